//! Rules one by one: reading what somebody sent, adding and removing.

use serde_json::{Map, Value, json};
use sluice_policy::lint::lint_merged;
use sluice_policy::{HostPattern, PolicyDocument, RuleDocument};

use super::draft::Draft;
use super::load;
use super::types::{Policy, StoredRule};
use crate::access::Caller;
use crate::changes::Change;
use crate::error::Error;
use crate::id;
use crate::moment::Moment;
use crate::store::{Store, Tx};

/// What adding a rule came to.
#[derive(Debug)]
pub struct Added {
    /// The rule, or the one that did the same before.
    pub rule: StoredRule,
    /// The policy that it is in.
    pub policy: Policy,
    /// Whether it is new.
    pub is_new: bool,
    /// What is probably not meant about it.
    pub warnings: Vec<String>,
}

/// The members of a rule that are not the document's.
const OURS: [&str; 8] = [
    "name",
    "policy_id",
    "resource_id",
    "resource_type",
    "created_at",
    "warnings",
    "revision",
    "force",
];

/// A rule of what somebody sent: the document's members, `id` or `name` as its name.
///
/// # Errors
/// [`Error::Validation`], all problems together.
pub fn shape(input: &Map<String, Value>) -> Result<StoredRule, Error> {
    let named = ["name", "id"]
        .into_iter()
        .find_map(|key| input.get(key).filter(|value| !value.is_null()));
    let name = match named {
        None => String::new(),
        Some(Value::String(name)) if name.chars().count() <= 255 => name.clone(),
        Some(other) => return Err(Error::field("name", other, "a text of at most 255 characters")),
    };
    let mut body: Map<String, Value> = input
        .iter()
        // Absent and null mean the same in rules that come back as they were shown.
        .filter(|(key, value)| !OURS.contains(&key.as_str()) && !value.is_null())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    body.entry("effect").or_insert_with(|| json!("allow"));
    let own = id::new("rule");
    body.insert("id".to_owned(), json!(own));
    let whole = json!({ "rules": [body] }).to_string();
    let read = PolicyDocument::from_json(whole.as_bytes()).map_err(|problems| {
        // The id is ours, so it says nothing to whoever sent the rule.
        let mut error = Error::policy(&problems);
        if let Error::Validation { message, details } = &mut error {
            *message = message.replace(&format!("rule {own}: "), "");
            for problem in details.as_array_mut().into_iter().flatten() {
                problem["rule"] = json!(name);
            }
        }
        error
    })?;
    let mut document = read
        .rules
        .into_iter()
        .next()
        .ok_or_else(|| Error::invalid("no rule was sent"))?;
    // As filters read it: lower case, A-labels, one form of an address.
    if let Ok(pattern) = HostPattern::parse(&document.host) {
        document.host = pattern.to_string();
    }
    Ok(StoredRule {
        name: if name.is_empty() { document.host.clone() } else { name },
        created_at: Moment::now(),
        document,
    })
}

/// Adds a rule, unless one does the same already.
///
/// # Errors
/// [`Error::Validation`] if a filter would refuse it.
pub async fn add(
    tx: &mut Tx,
    caller: &Caller,
    draft: &mut Draft,
    rule: StoredRule,
    note: &str,
) -> Result<(Added, Vec<Change>), Error> {
    if let Some(same) = draft.rules.iter().find(|old| old.does_the_same(&rule.document)) {
        let rule = same.clone();
        let warnings = warnings(tx, draft, &rule.document).await?;
        return Ok((
            Added {
                rule,
                policy: draft.policy.clone(),
                is_new: false,
                warnings,
            },
            Vec::new(),
        ));
    }
    draft.rules.push(rule.clone());
    let changes = draft.save(tx, caller, rule.document.effect.as_str(), note).await?;
    let warnings = warnings(tx, draft, &rule.document).await?;
    Ok((
        Added {
            rule,
            policy: draft.policy.clone(),
            is_new: true,
            warnings,
        },
        changes,
    ))
}

async fn warnings(tx: &mut Tx, draft: &Draft, rule: &RuleDocument) -> Result<Vec<String>, Error> {
    let own = draft.policy.document(&draft.rules);
    let is_tenant = draft
        .policy
        .resource
        .as_ref()
        .is_some_and(crate::resource::Resource::is_tenant);
    let now = Moment::now().timestamp();
    let findings = if is_tenant {
        lint_merged(Some(&own), None, now)
    } else {
        lint_merged(super::check::tenant(tx).await?.as_ref(), Some(&own), now)
    };
    let about = findings
        .into_iter()
        .filter(|finding| finding.rule.as_ref() == Some(&rule.id));
    Ok(about.map(|finding| finding.message).collect())
}

/// Removes a rule. Removing one that was removed already changes nothing.
///
/// # Errors
/// [`Error::NotFound`] for a rule that never was.
pub async fn remove(store: &Store, tx: &mut Tx, caller: &Caller, rule: &str, note: &str) -> Result<Vec<Change>, Error> {
    let owner = load::owner_of_rule(&mut **tx, rule).await?;
    let (policy, _) = owner.ok_or_else(|| Error::NotFound(format!("rule {rule}")))?;
    let mut draft = Draft::load(store, tx, &policy).await?;
    super::operations::permit(caller, &draft.policy)?;
    draft.rules.retain(|kept| kept.document.id != rule);
    draft.save(tx, caller, "remove", note).await
}

/// Every rule with its policy, by policy and place.
///
/// # Errors
/// What the database says.
pub async fn all(store: &Store) -> Result<Vec<(Policy, StoredRule)>, Error> {
    let all = load::all(store.read()).await?.into_iter();
    Ok(all
        .flat_map(|(policy, rules)| rules.into_iter().map(move |rule| (policy.clone(), rule)))
        .collect())
}
