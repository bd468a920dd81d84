//! The targets that tests are made for, in one place: one that gets a back end is added to the macro below.

/// Makes a test for each target, named after it, of a function of its architecture.
macro_rules! for_each_target {
    ($test:expr) => {
        #[test]
        fn x86_64() {
            ($test)(clifc::options::Arch::X86_64);
        }
    };
}
pub(crate) use for_each_target;
