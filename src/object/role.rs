//! What sections are for, whatever a format calls them.

use object::SectionKind;

/// What a section is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Code.
    Text,
    /// Constants.
    ReadOnly,
    /// Constants with addresses that are known when the program starts.
    ReadOnlyAfterRelocation,
    /// Variables.
    Data,
    /// Variables that begin as zero.
    Zero,
    /// Variables of a thread.
    ThreadData,
    /// Variables of a thread that begin as zero.
    ThreadZero,
}

impl Role {
    /// How many there are.
    pub(super) const COUNT: usize = 7;

    pub(super) fn kind(self) -> SectionKind {
        match self {
            Role::Text => SectionKind::Text,
            Role::ReadOnly => SectionKind::ReadOnlyData,
            Role::ReadOnlyAfterRelocation => SectionKind::ReadOnlyDataWithRel,
            Role::Data => SectionKind::Data,
            Role::Zero => SectionKind::UninitializedData,
            Role::ThreadData => SectionKind::Tls,
            Role::ThreadZero => SectionKind::UninitializedTls,
        }
    }

    pub(super) fn is_zero(self) -> bool {
        matches!(self, Role::Zero | Role::ThreadZero)
    }

    /// What a section must be to hold both.
    pub(super) fn common(self, other: Role) -> Option<Role> {
        match (self, other) {
            _ if self == other => Some(self),
            (Role::ReadOnly, Role::ReadOnlyAfterRelocation)
            | (Role::ReadOnlyAfterRelocation, Role::ReadOnly) => Some(Role::ReadOnlyAfterRelocation),
            _ => None,
        }
    }

    /// The same with bytes in the file.
    pub(super) fn initialised(self) -> Role {
        match self {
            Role::Zero => Role::Data,
            Role::ThreadZero => Role::ThreadData,
            other => other,
        }
    }
}
