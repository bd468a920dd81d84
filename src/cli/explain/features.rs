//! Which CPU features an opcode can use: found by compiling its example with and without each.

use clifc::diag::Source;
use clifc::driver::{self, BuildOptions, Observer};
use clifc::ir::Opcode;
use clifc::options::{Arch, Flags, SETTINGS, Target};
use clifc::parse::example;

/// Returns the settings that change the code of an opcode's example, by target; empty if none does.
pub fn text(opcode: Opcode) -> String {
    let of_target = |arch: Arch| {
        let target = Target::of(arch);
        let plain = object(opcode, &target, Flags::new(&target))?;
        let features = SETTINGS.iter().map(|setting| setting.name).filter(|name| {
            let mut flags = Flags::new(&target);
            name.starts_with("has_")
                && flags.set(name, "true").is_ok()
                && object(opcode, &target, flags).is_some_and(|object| object != plain)
        });
        let features: Vec<&str> = features.collect();
        (!features.is_empty()).then(|| format!("{arch}: {}", features.join(" ")))
    };
    Arch::ALL.into_iter().filter_map(of_target).collect::<Vec<_>>().join("; ")
}

/// Compiles the example; `None` if the target lacks the opcode.
fn object(opcode: Opcode, target: &Target, flags: Flags) -> Option<Vec<u8>> {
    let source = Source { name: opcode.name(), text: example(opcode).as_bytes() };
    let options = BuildOptions::new(target.clone(), flags);
    driver::build(&source, &options, &Observer::NONE).ok().map(|built| built.object)
}
