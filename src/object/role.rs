//! What a section is for, whatever a format calls it.

use object::SectionKind;

/// What a section is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Code.
    Text,
    /// Constants.
    ReadOnly,
    /// Constants that contain addresses: read-only once the program has been relocated.
    ReadOnlyAfterRelocation,
    /// Variables.
    Data,
    /// Zero-initialised variables.
    Zero,
    /// Thread-local variables.
    ThreadData,
    /// Zero-initialised thread-local variables.
    ThreadZero,
}

impl Role {
    /// The number of roles.
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

    /// The role of a section that can hold items of both roles, if there is one.
    pub(super) fn common(self, other: Role) -> Option<Role> {
        match (self, other) {
            _ if self == other => Some(self),
            (Role::ReadOnly, Role::ReadOnlyAfterRelocation)
            | (Role::ReadOnlyAfterRelocation, Role::ReadOnly) => Some(Role::ReadOnlyAfterRelocation),
            _ => None,
        }
    }

    /// The corresponding role with bytes in the file.
    pub(super) fn initialised(self) -> Role {
        match self {
            Role::Zero => Role::Data,
            Role::ThreadZero => Role::ThreadData,
            other => other,
        }
    }
}
