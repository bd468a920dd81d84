//! Fingerprints of signatures: whether a function is imported as it is defined, without comparing texts.

use super::{AbiParam, Purpose, Signature};

/// What is known of a signature that another one is compared with; 0 if nothing is.
pub(crate) const UNKNOWN: u64 = 0;

impl Signature {
    /// Returns a number that depends on what callers and callee have to agree on: types, purposes and
    /// convention. It is [`UNKNOWN`] if a structure is passed, which has another number in each function.
    pub(crate) fn fingerprint(&self) -> u64 {
        let (params, returns) = (&self.params[..self.fixed_params()], &self.returns[..]);
        let head = u64::from(self.variadic) << 8 | self.call_conv as u64;
        let counts = (params.len() as u64) << 32 | returns.len() as u64;
        let mut hash = mix(mix(UNKNOWN, head), counts);
        for param in params.iter().chain(returns) {
            match word(param) {
                Some(word) => hash = mix(hash, word),
                None => return UNKNOWN,
            }
        }
        hash | 1
    }
}

/// The type and purpose of a parameter; `None` for a structure.
fn word(param: &AbiParam) -> Option<u64> {
    let purpose = match param.purpose {
        Purpose::Normal => 0,
        Purpose::StructReturn => 1,
        Purpose::VmContext => 2,
        Purpose::StructArgument(size) => 3 + u64::from(size),
        Purpose::Structure(_) => return None,
    };
    Some(purpose << 16 | u64::from(param.ty.0))
}

fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{CallConv, types};

    #[test]
    fn signatures_that_differ_have_other_fingerprints() {
        let param = |ty| AbiParam { ty, purpose: Purpose::Normal, extension: Default::default() };
        let of = |params: &[_], returns: &[_], variadic, call_conv| {
            let [params, returns] =
                [params, returns].map(|types| types.iter().map(|ty| param(*ty)).collect());
            Signature { params, returns, variadic, further: 0, call_conv }.fingerprint()
        };
        let (a, b) = (types::I32, types::I64);
        let all = [
            of(&[], &[], false, CallConv::Fast),
            of(&[], &[], false, CallConv::SystemV),
            of(&[], &[], true, CallConv::Fast),
            of(&[a], &[], false, CallConv::Fast),
            of(&[b], &[], false, CallConv::Fast),
            of(&[], &[a], false, CallConv::Fast),
            of(&[a, b], &[], false, CallConv::Fast),
            of(&[b, a], &[], false, CallConv::Fast),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(*one != UNKNOWN && !all[..at].contains(one), "{at}");
        }
        assert_eq!(all[3], of(&[a], &[], false, CallConv::Fast));
    }
}
