//! What else an operator would want counted.

use serde::{Deserialize, Serialize};

/// The label `kind` of `authtail_notices_total`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Notice {
    /// Authentication is switched off for this request or for all.
    AuthBypass,
    /// The service says whether it demands authentication.
    AuthMode,
    /// The database cannot be reached or refuses.
    Database,
    /// A line of level error or worse that is none of the others.
    Error,
    /// What a client sent is no request. Any client can cause it at will.
    InvalidRequest,
    /// All connections of a pool are in use.
    PoolExhausted,
    /// The service stops.
    Shutdown,
    /// Something took longer than the service thinks it should.
    Slow,
    /// The service is ready.
    Startup,
    /// Something was given up because it took too long.
    Timeout,
    /// An exception that was not caught, once for each, however many lines it has.
    Traceback,
    /// Another service cannot be reached.
    UpstreamUnreachable,
    /// A line of level warning that is none of the others.
    Warning,
}

impl Notice {
    /// Every kind, in the order of the labels.
    pub const ALL: [Self; 13] = [
        Self::AuthBypass,
        Self::AuthMode,
        Self::Database,
        Self::Error,
        Self::InvalidRequest,
        Self::PoolExhausted,
        Self::Shutdown,
        Self::Slow,
        Self::Startup,
        Self::Timeout,
        Self::Traceback,
        Self::UpstreamUnreachable,
        Self::Warning,
    ];

    /// True for what is never a client's fault: a check that fails so is the service's own trouble.
    pub(crate) const fn is_of_service(self) -> bool {
        matches!(
            self,
            Self::Database | Self::PoolExhausted | Self::Timeout | Self::UpstreamUnreachable
        )
    }

    /// Returns the label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthBypass => "auth_bypass",
            Self::AuthMode => "auth_mode",
            Self::Database => "database",
            Self::Error => "error",
            Self::InvalidRequest => "invalid_request",
            Self::PoolExhausted => "pool_exhausted",
            Self::Shutdown => "shutdown",
            Self::Slow => "slow",
            Self::Startup => "startup",
            Self::Timeout => "timeout",
            Self::Traceback => "traceback",
            Self::UpstreamUnreachable => "upstream_unreachable",
            Self::Warning => "warning",
        }
    }
}
