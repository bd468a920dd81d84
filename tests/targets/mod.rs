//! The targets that tests are made for, in one place: one that gets a back end is added to the macro below.

use clifc::options::{Arch, Kind, SETTINGS};

/// Makes a test for each target, named after it, of a function of its architecture.
macro_rules! for_each_target {
    ($test:expr) => {
        #[test]
        fn x86_64() {
            ($test)(clifc::options::Arch::X86_64);
        }

        #[test]
        fn aarch64() {
            ($test)(clifc::options::Arch::Aarch64);
        }

        #[test]
        fn s390x() {
            ($test)(clifc::options::Arch::S390x);
        }
    };
}
pub(crate) use for_each_target;

/// The settings for what an architecture's instruction set may have.
#[allow(dead_code, reason = "not for every test")]
pub fn extensions(arch: Arch) -> impl Iterator<Item = &'static str> {
    let of_arch =
        SETTINGS.iter().filter(move |setting| setting.arch == Some(arch) && setting.kind == Kind::Bool);
    of_arch.map(|setting| setting.name)
}
