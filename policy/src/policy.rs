//! A compiled policy: what decides.

use hashbrown::HashSet;

use crate::document::{PolicyDocument, PolicyRead, rule_name};
use crate::index::{Builder, Index};
use crate::problem::{Problem, Problems, shown};
use crate::rule::Rule;
use crate::words::{Effect, Mode, Reason, Scope};

/// A policy in the form that decides. Making one is the only place where rules
/// are checked, so what exists is sound.
#[derive(Debug)]
pub struct Policy {
    mode: Mode,
    default_effect: Effect,
    rules: Vec<Rule>,
    index: Index,
    expires: bool,
    missing: Option<Reason>,
}

impl Policy {
    /// Compiles one document, as the policy of a resource without a tenant's.
    ///
    /// # Errors
    /// All [`Problems`] of the document.
    pub fn compile(document: &PolicyDocument) -> Result<Self, Problems> {
        Self::merge(None, Some(document))
    }

    /// Reads and compiles JSON.
    ///
    /// # Errors
    /// All [`Problems`] of the document.
    pub fn from_json(json: &[u8]) -> Result<Self, Problems> {
        PolicyRead::from_json(json)?.policy()
    }

    /// What stands in where there is no policy to decide by: every target is
    /// rejected for `reason`, and `mode` says whether that is carried out.
    #[must_use]
    pub fn standing_in(reason: Reason, mode: Mode) -> Self {
        Self {
            mode,
            default_effect: Effect::Deny,
            rules: Vec::new(),
            index: Index::default(),
            expires: false,
            missing: Some(reason),
        }
    }

    /// The effective policy of a resource. `mode` and `default_effect` are the
    /// resource policy's if it has one, else the tenant's, else `audit_only`
    /// and `deny`; the rules of both are one list, the tenant's first.
    ///
    /// # Errors
    /// All [`Problems`] of both documents.
    pub fn merge(tenant: Option<&PolicyDocument>, resource: Option<&PolicyDocument>) -> Result<Self, Problems> {
        let documents = [(Scope::Tenant, tenant), (Scope::Resource, resource)];
        Self::build(documents, Vec::new())
    }

    /// Compiles what was read of one document with the problems of reading it.
    pub(crate) fn compile_read(document: &PolicyDocument, problems: &[Problem]) -> Result<Self, Problems> {
        let documents = [(Scope::Tenant, None), (Scope::Resource, Some(document))];
        Self::build(documents, problems.to_vec())
    }

    /// Merges what was read of a tenant's and of a resource's document.
    pub(crate) fn merge_read(
        tenant: Option<(&PolicyDocument, &[Problem])>,
        resource: Option<(&PolicyDocument, &[Problem])>,
    ) -> Result<Self, Problems> {
        let sound = |read: Option<(&PolicyDocument, &[Problem])>| read.is_none_or(|(_, problems)| problems.is_empty());
        if sound(tenant) && sound(resource) {
            return Self::merge(
                tenant.map(|(document, _)| document),
                resource.map(|(document, _)| document),
            );
        }
        // Rules of the two are numbered alike, so each is told of on its own.
        let mut all = Vec::new();
        for (document, problems) in [tenant, resource].into_iter().flatten() {
            if let Err(found) = Self::compile_read(document, problems) {
                all.extend(found);
            }
        }
        Err(Problems::of(all))
    }

    fn build(documents: [(Scope, Option<&PolicyDocument>); 2], mut problems: Vec<Problem>) -> Result<Self, Problems> {
        let [(_, tenant), (_, resource)] = documents;
        let nearest_first = [resource, tenant];
        let chain = || nearest_first.into_iter().flatten();
        let mode = chain().find_map(|document| document.mode);
        let default_effect = chain().find_map(|document| document.default_effect);

        let unread = problems.len();
        let count = documents
            .iter()
            .filter_map(|(_, document)| *document)
            .map(|document| document.rules.len())
            .sum();
        let mut rules = Vec::with_capacity(count);
        let mut index = Builder::default();
        for (scope, document) in documents {
            let Some(document) = document else { continue };
            let mut ids = HashSet::with_capacity(document.rules.len());
            for (at, rule) in document.rules.iter().enumerate() {
                if let Some((compiled, pattern)) = Rule::compile(rule, scope, at, &mut problems) {
                    rules.push(compiled);
                    index.add(&pattern, &rules);
                }
                // Ids are unique in a document; those of the tenant and of a
                // resource are told apart by their scope.
                if !rule.id.is_empty() && !ids.insert(rule.id.as_str()) {
                    problems.push(Problem {
                        at: Some(at),
                        rule: Some(rule_name(Some(&rule.id), at)),
                        field: "id".to_owned(),
                        value: shown(&rule.id),
                        expected: format!("an id that no other rule of the policy has (rule #{at} repeats it)"),
                    });
                }
            }
        }
        drop_echoes(&mut problems, unread);
        Problems::check(problems)?;
        let expires = rules.iter().any(|rule| rule.expires_at().is_some());
        Ok(Self {
            mode: mode.unwrap_or(Mode::AuditOnly),
            default_effect: default_effect.unwrap_or(Effect::Deny),
            index: index.finish(&rules),
            rules,
            expires,
            missing: None,
        })
    }

    /// Whether verdicts are carried out.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What happens where no rule matches.
    #[must_use]
    pub fn default_effect(&self) -> Effect {
        self.default_effect
    }

    /// The rules: the tenant's, then the resource's, as listed.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether any rule expires. If none does, decisions do not depend on the
    /// time, and whoever pays for reading a clock need not.
    #[must_use]
    pub fn depends_on_time(&self) -> bool {
        self.expires
    }

    /// Why there is no policy, if this one only stands in.
    #[must_use]
    pub fn missing(&self) -> Option<Reason> {
        self.missing
    }

    pub(crate) fn index(&self) -> &Index {
        &self.index
    }
}

/// A field that could not be read stands empty, and checking it finds that
/// too: of two problems with one field, the first says what was written.
fn drop_echoes(problems: &mut Vec<Problem>, unread: usize) {
    if unread == 0 {
        return;
    }
    let mut new = problems.split_off(unread.min(problems.len()));
    {
        let known: HashSet<(Option<usize>, &str)> = problems
            .iter()
            .map(|problem| (problem.at, problem.field.as_str()))
            .collect();
        // No field is a whole rule that could not be read.
        let is_echo =
            |echo: &Problem| known.contains(&(echo.at, echo.field.as_str())) || known.contains(&(echo.at, ""));
        new.retain(|echo| !is_echo(echo));
    }
    problems.append(&mut new);
}
