//! The list of targets that tests are made for. A new target is added to the macro below.

use clifc::options::{Arch, Kind, SETTINGS};

/// Makes a test for each target, named after it, from a function of its architecture.
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

/// The settings for an architecture's instruction set extensions.
#[allow(dead_code, reason = "not for every test")]
pub fn extensions(arch: Arch) -> impl Iterator<Item = &'static str> {
    let of_arch =
        SETTINGS.iter().filter(move |setting| setting.arch == Some(arch) && setting.kind == Kind::Bool);
    of_arch.map(|setting| setting.name)
}
