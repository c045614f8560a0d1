//! Rows of the queue.

use std::net::IpAddr;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use sluice_policy::Reason;
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use crate::addresses::Addresses;
use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::Tx;

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has decided yet.
    Pending,
    /// Allowed.
    Approved,
    /// Denied by a rule of its own.
    Blocked,
    /// Hidden without a rule.
    Dismissed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Approved, Self::Blocked, Self::Dismissed];

    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Blocked => "blocked",
            Self::Dismissed => "dismissed",
        }
    }
}

impl FromStr for State {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Error::field("state", text, "pending, approved, blocked, dismissed or all"))
    }
}

/// A rejected host of a resource.
#[derive(Debug, Clone, Serialize)]
pub struct Pending {
    /// Its id.
    pub id: String,
    /// Whose traffic.
    #[serde(flatten)]
    pub resource: Resource,
    /// The canonical host; of an overflow row the registrable domain of many.
    pub host: String,
    /// Whether it stands for more hosts than are kept apart.
    pub overflow: bool,
    /// The ports that were tried.
    pub ports: Vec<u16>,
    /// The methods, where they were visible.
    pub methods: Vec<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// When first.
    pub first_seen: Moment,
    /// When last.
    pub last_seen: Moment,
    /// One of the requests.
    pub example: Value,
    /// What rejected it.
    pub rejected_by: String,
    /// The rule that named the host and did not match, and why.
    pub nearest: Value,
    /// When the host was last let through, if it ever was.
    pub last_allowed_at: Option<Moment>,
    /// What became of it.
    pub state: State,
    /// When that was decided.
    pub changed_at: Option<Moment>,
    /// By whom.
    pub changed_by: Option<String>,
    /// Where it led, as far as events told, on any port.
    #[serde(skip)]
    pub(super) led_to: Vec<IpAddr>,
}

const SELECT: &str = "SELECT pending.*, (SELECT MAX(last_allowed) FROM destinations WHERE \
     destinations.resource_type = pending.resource_type AND destinations.resource_id = pending.resource_id \
     AND destinations.host = pending.host) AS last_allowed FROM pending";

/// Where the hosts of the queue led.
const LED_TO: &str = "SELECT addresses FROM destinations WHERE resource_type = $1 AND resource_id = $2 AND host = $3 \
     AND addresses <> '[]' ORDER BY port";

/// The queue, the last tried first; all states with `None`.
///
/// # Errors
/// What the database says.
pub async fn list<'c, E: Executor<'c, Database = Any>>(on: E, state: Option<State>) -> Result<Vec<Pending>, Error> {
    let query = format!("{SELECT} WHERE state = $1 OR $1 = '' ORDER BY last_seen DESC, id");
    let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(state.map_or("", State::as_str));
    query.fetch_all(on).await?.iter().map(row).collect()
}

/// One row.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn by_id<'c, E: Executor<'c, Database = Any>>(on: E, id: &str) -> Result<Pending, Error> {
    let query = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1"))).bind(id.to_owned());
    let found = query.fetch_optional(on).await?;
    row(&found.ok_or_else(|| Error::NotFound(format!("pending request {id}")))?)
}

impl Pending {
    /// Whether it was let pass by its name, and not by where that led.
    pub(super) fn leads_inside(&self) -> bool {
        self.rejected_by == Reason::PrivateAddress.as_str()
    }

    /// Finds out where it led, if that is what it was rejected for.
    pub(super) async fn follow(&mut self, tx: &mut Tx) -> Result<(), Error> {
        if !self.leads_inside() {
            return Ok(());
        }
        let mut all = Addresses::default();
        let told = self.example["peer"].as_str().and_then(|peer| peer.parse().ok());
        told.into_iter().for_each(|peer| all.add(peer));
        let query = sqlx::query(LED_TO)
            .bind(&self.resource.kind)
            .bind(&self.resource.id)
            .bind(&self.host);
        for row in query.fetch_all(&mut **tx).await? {
            all.merge(&Addresses::read(row.try_get(0)?)?);
        }
        self.led_to = all.first().to_vec();
        Ok(())
    }
}

fn row(row: &AnyRow) -> Result<Pending, Error> {
    let text = |column: &str| row.try_get::<String, _>(column);
    let moment = |column: &str| row.try_get::<Option<i64>, _>(column).map(|at| at.map(Moment));
    let nearest: Option<String> = row.try_get("nearest")?;
    Ok(Pending {
        id: text("id")?,
        resource: Resource::new(text("resource_type")?, text("resource_id")?),
        host: text("host")?,
        overflow: row.try_get::<i64, _>("overflow")? == 1,
        ports: serde_json::from_str(&text("ports")?).unwrap_or_default(),
        methods: serde_json::from_str(&text("methods")?).unwrap_or_default(),
        attempts: row.try_get("attempts")?,
        first_seen: Moment(row.try_get("first_seen")?),
        last_seen: Moment(row.try_get("last_seen")?),
        example: serde_json::from_str(&text("example")?).unwrap_or_default(),
        rejected_by: text("rejected_by")?,
        nearest: nearest
            .and_then(|nearest| serde_json::from_str(&nearest).ok())
            .unwrap_or_default(),
        last_allowed_at: moment("last_allowed")?,
        state: text("state")?.parse()?,
        changed_at: moment("changed_at")?,
        changed_by: row.try_get("changed_by")?,
        led_to: Vec::new(),
    })
}
