//! The proof that risk has seen an order.

use serde::Serialize;

use crate::domain::Intent;

/// An order that passed every rule of risk. Only this module's parent can make one, and the
/// gateway takes nothing else.
///
/// It is deliberately not `Deserialize`, `Default` or `From`: no file, message or default may
/// ever become an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Approved(Intent);

impl Approved {
    /// Stamps an intent. Private to `risk`.
    pub(super) const fn stamp(intent: Intent) -> Self {
        Self(intent)
    }

    /// The order that was approved.
    #[must_use]
    pub const fn intent(&self) -> &Intent {
        &self.0
    }
}

impl AsRef<Intent> for Approved {
    fn as_ref(&self) -> &Intent {
        &self.0
    }
}

#[cfg(test)]
impl Approved {
    /// An approval without risk, for tests of what comes after it.
    pub(crate) const fn for_test(intent: Intent) -> Self {
        Self::stamp(intent)
    }
}
