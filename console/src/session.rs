//! Who looks at the page.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;

use crate::api::{self, ApiError};
use crate::model::Session;

/// What is known of who looks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Known {
    /// Not yet asked.
    Asking,
    /// Nobody is signed in.
    Nobody,
    /// Somebody is.
    Somebody(Session),
    /// The collector does not say.
    Failed(ApiError),
}

/// Who looks, for every part of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visitor {
    known: RwSignal<Known>,
}

impl Visitor {
    /// Asks who looks, once, for all below.
    pub(crate) fn provide() -> Self {
        let visitor = Self {
            known: RwSignal::new(Known::Asking),
        };
        provide_context(visitor);
        visitor.ask();
        visitor
    }

    /// As if that were known, for all below.
    #[cfg(test)]
    pub(crate) fn pretend(known: Known) -> Self {
        let visitor = Self {
            known: RwSignal::new(known),
        };
        provide_context(visitor);
        visitor
    }

    /// Of the page.
    ///
    /// # Panics
    /// Outside of it.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// Asks (again).
    pub(crate) fn ask(self) {
        spawn_local(async move {
            match api::get::<Session>("/sessions/self").await {
                Ok(session) => self.came(session),
                Err(error) if error.is_unauthenticated() => self.left(),
                Err(error) => self.known.set(Known::Failed(error)),
            }
        });
    }

    /// Asks whether the session is still there, and leaves all as it is if the collector does not answer.
    pub(crate) fn ask_quietly(self) {
        spawn_local(async move {
            if let Err(error) = api::get::<Session>("/sessions/self").await
                && error.is_unauthenticated()
            {
                self.left();
            }
        });
    }

    /// What is known.
    pub(crate) fn known(self) -> Known {
        self.known.get()
    }

    /// Who, if somebody is signed in.
    pub(crate) fn session(self) -> Option<Session> {
        self.known.with(|known| match known {
            Known::Somebody(session) => Some(session.clone()),
            _ => None,
        })
    }

    /// Whether the visitor may change policies.
    pub(crate) fn operates(self) -> bool {
        self.session().is_some_and(|session| session.operates())
    }

    /// Whether the visitor may change what holds for everybody.
    pub(crate) fn operates_tenant(self) -> bool {
        self.session().is_some_and(|session| session.operates_tenant())
    }

    /// Somebody signed in.
    pub(crate) fn came(self, session: Session) {
        api::set_csrf(session.csrf_token.clone());
        self.known.set(Known::Somebody(session));
    }

    /// The session is over.
    pub(crate) fn left(self) {
        api::set_csrf(None);
        // The page may be gone already.
        let _ = self.known.try_set(Known::Nobody);
    }

    /// Signs in with `{token}` or `{name, password}`.
    pub(crate) async fn sign_in(self, with: &Value) -> Result<(), ApiError> {
        self.came(api::post::<Session>("/sessions", with).await?);
        Ok(())
    }

    /// Ends the session, here and in the collector.
    pub(crate) async fn sign_out(self) -> Result<(), ApiError> {
        api::delete("/sessions/self").await?;
        self.left();
        Ok(())
    }
}
