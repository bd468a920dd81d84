//! Names of registers by their numbers in DWARF.

use clifc::options::Arch;

/// The integer registers of x86_64 in the order of their numbers.
const X86_64: [&str; 16] = [
    "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];

/// The floating-point registers of s390x in the order of their numbers, from 16 on.
const S390X: [u16; 16] = [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15];

/// The name of a register.
pub(super) fn name(arch: Arch, number: u16) -> String {
    let known = match (arch, number) {
        (Arch::X86_64, 0..=15) => Some(X86_64[usize::from(number)].to_string()),
        (Arch::X86_64, 17..=32) => Some(format!("xmm{}", number - 17)),
        (Arch::Aarch64, 0..31) => Some(format!("x{number}")),
        (Arch::Aarch64, 31) => Some("sp".to_string()),
        (Arch::Aarch64, 64..96) => Some(format!("v{}", number - 64)),
        (Arch::S390x, 0..16) => Some(format!("r{number}")),
        (Arch::S390x, 16..32) => Some(format!("f{}", S390X[usize::from(number - 16)])),
        (Arch::S390x, 68..84) => Some(format!("v{}", number - 68 + 16)),
        (Arch::X86_64 | Arch::Aarch64 | Arch::S390x, _) => None,
    };
    known.unwrap_or_else(|| format!("register {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_abi() {
        assert_eq!([name(Arch::X86_64, 5), name(Arch::X86_64, 17)], ["rdi", "xmm0"]);
        assert_eq!([name(Arch::Aarch64, 30), name(Arch::Aarch64, 65)], ["x30", "v1"]);
        assert_eq!([name(Arch::S390x, 20), name(Arch::S390x, 31)], ["f1", "f15"]);
        assert_eq!(name(Arch::X86_64, 99), "register 99");
    }
}
