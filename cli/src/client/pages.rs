//! Lists: all of their pages.

use serde_json::Value;

use super::{Call, Client, ClientError, Fields};

impl Client {
    /// Every row of a list.
    pub(crate) fn list(&self, call: &Call<'_>) -> Result<Vec<Value>, ClientError> {
        self.some(call, usize::MAX)
    }

    /// At most so many rows of a list.
    pub(crate) fn some(&self, call: &Call<'_>, most: usize) -> Result<Vec<Value>, ClientError> {
        let mut rows = Vec::new();
        let mut next = call.clone();
        loop {
            let mut page = self.get(&next)?;
            let Value::Array(mut data) = page["data"].take() else {
                return Err(ClientError::NotACollector {
                    url: self.url.to_string(),
                    status: 200,
                });
            };
            // A page without rows ends it whatever it says, so that no collector can keep us here.
            let empty = data.is_empty();
            rows.append(&mut data);
            match page.some("next_cursor") {
                Some(cursor) if !empty && rows.len() < most => next = call.clone().with("cursor", cursor),
                _ => break,
            }
        }
        rows.truncate(most);
        Ok(rows)
    }

    /// One object.
    pub(crate) fn object(&self, call: &Call<'_>) -> Result<Value, ClientError> {
        self.get(call).map(data)
    }
}

/// What is inside `{"data": …}`; some answers are bare, because SDKs want them so.
pub(crate) fn data(mut answer: Value) -> Value {
    match answer.get_mut("data") {
        Some(data) => data.take(),
        None => answer,
    }
}
