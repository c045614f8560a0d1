//! The words of a policy and of its decisions, as JSON and the audit trail write them.

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of the definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        // Derived, it would take `{"allow": null}` for the word too.
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                match text.as_ref() {
                    $($word => Ok(Self::$variant),)+
                    other => Err(serde::de::Error::unknown_variant(other, &[$($word),+])),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
#[cfg(feature = "authoring")]
pub(crate) use words;

words! {
    /// Whether verdicts are only recorded or also carried out.
    Mode {
        /// Everything is recorded, nothing is blocked.
        AuditOnly = "audit_only",
        /// What the policy rejects is rejected.
        Enforce = "enforce",
    }
}

words! {
    /// What a rule, or the default, says of what it matches.
    Effect {
        /// It may go out.
        Allow = "allow",
        /// It may not.
        Deny = "deny",
    }
}

words! {
    /// Whose policy a rule comes from. Ordered: the tenant's come first.
    Scope {
        /// The scope above all resources.
        Tenant = "tenant",
        /// The workload being governed.
        Resource = "resource",
    }
}

words! {
    /// What is done with a request or connection.
    Action {
        /// It passes.
        Allow = "allow",
        /// It passes, on trial.
        Warn = "warn",
        /// It is refused.
        Reject = "reject",
    }
}

words! {
    /// Why something is rejected, if no deny rule did it. No rule may have such an id.
    Reason {
        /// Nothing matched, and the default is to deny.
        DefaultDeny = "default_deny",
        /// The target is not canonical, so that no rule could name it.
        InvalidAuthority = "invalid_authority",
        /// The connection has no server name.
        SniMissing = "sni_missing",
        /// The server name and the authority differ, and the server name alone is not allowed.
        SniMismatch = "sni_mismatch",
        /// A name resolved to an address that is not public.
        PrivateAddress = "private_address",
        /// The target is the proxy itself.
        SelfAddress = "self",
        /// No policy has arrived yet.
        NoPolicy = "no_policy",
        /// The resource could not be told.
        NoResource = "no_resource",
    }
}

words! {
    /// Why a rule that names the host does not match. Ordered as the rule is
    /// checked: the later, the nearer the rule came.
    Why {
        /// The rule's time is over.
        Expired = "expired",
        /// The port is not one of the rule's.
        Port = "port",
        /// The rule looks at method or path, and neither is visible.
        Opaque = "opaque",
        /// The method is not one of the rule's.
        Method = "method",
        /// The path does not match, or is ambiguous.
        Path = "path",
    }
}
