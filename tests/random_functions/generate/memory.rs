//! Addresses, loads and stores.

use super::*;

impl Generator<'_> {
    pub(super) fn memory(&mut self) {
        let ty = self.random.pick(&Ty::ALL);
        match self.random.below(12) {
            0..2 => self.derive_address(),
            2..5 => {
                let flags = self.flags();
                let at = self.address(ty.bytes());
                self.load("load", ty, flags, at);
            }
            5 => {
                let op = self.random.pick(&["uload8", "sload8", "uload16", "sload16", "uload32", "sload32"]);
                let types: &[Ty] = match op {
                    "uload8" | "sload8" => &[Ty::I16, Ty::I32, Ty::I64],
                    "uload16" | "sload16" => &[Ty::I32, Ty::I64],
                    _ => &[Ty::I64],
                };
                let (ty, flags, at) = (self.random.pick(types), self.flags(), self.address(4));
                self.load(op, ty, flags, at);
            }
            6..9 => self.store(ty),
            9 => self.atomic(),
            _ => self.update(ty),
        }
    }

    fn flags(&mut self) -> &'static str {
        self.random.pick(&["", "", "", "notrap", "little", "big", "notrap big", "user3"])
    }

    /// An address and an offset for an access of `bytes`.
    pub(super) fn address(&mut self, bytes: i64) -> (Address, i64) {
        let fitting: Vec<Address> =
            self.addresses.iter().copied().filter(|at| at.offsets(bytes).is_some()).collect();
        let at = match self.random.below(3) {
            0 => fitting[0],
            1 => *fitting.last().expect("the buffer fits"),
            _ => self.random.pick(&fitting),
        };
        let (first, last) = at.offsets(bytes).expect("only such were taken");
        let place = first + self.random.below((last - first + 1) as usize) as i64;
        let common = place - place.rem_euclid(16);
        (at, if self.random.chance(50) && common >= first { common } else { place })
    }

    /// Memory flags that are correct for an address.
    fn flags_for(&self, flags: &'static str, at: Address) -> &'static str {
        if at.nullable { flags.trim_start_matches("notrap").trim_start() } else { flags }
    }

    pub(super) fn load(
        &mut self,
        op: &'static str,
        ty: Ty,
        flags: &'static str,
        (at, offset): (Address, i64),
    ) -> Value {
        let with = Inst { word: self.flags_for(flags, at), offset, ..NONE };
        let value = self.emit(op, ty, vec![at.value], with, &[ty])[0];
        match ty.is_int() {
            true => self.scope.push(value),
            false => self.quiet(value),
        }
        value
    }

    fn store(&mut self, ty: Ty) {
        let value = self.operand(ty);
        let value = self.exact(value);
        let op = match ty {
            Ty::I16 | Ty::I32 | Ty::I64 if self.random.chance(20) => "istore8",
            Ty::I32 | Ty::I64 if self.random.chance(20) => "istore16",
            Ty::I64 if self.random.chance(20) => "istore32",
            _ => "store",
        };
        let flags = self.flags();
        let (at, offset) = self.address(ty.bytes());
        let with = Inst { word: self.flags_for(flags, at), offset, ..NONE };
        self.emit(op, ty, vec![value, at.value], with, &[]);
    }

    /// Reads, changes and writes the same location, sometimes with something else in between.
    fn update(&mut self, ty: Ty) {
        let ty = if ty.is_int() { ty } else { Ty::I32 };
        let flags = self.flags();
        let at = self.address(ty.bytes());
        let other = self.operand(ty);
        let loaded = self.load("load", ty, flags, at);
        if self.random.chance(25) {
            self.store(ty);
        }
        let op = self.random.pick(&["iadd", "isub", "band", "bor", "bxor", "imul", "ishl", "umin"]);
        let args = if self.random.chance(70) { vec![loaded, other] } else { vec![other, loaded] };
        let result = self.emit(op, ty, args, NONE, &[ty])[0];
        if self.random.chance(20) {
            self.scope.push(result);
        }
        if self.random.chance(60) {
            self.scope.retain(|&value| value != loaded);
        }
        if self.random.chance(15) {
            self.instruction();
        }
        let flags = if self.random.chance(70) { flags } else { self.flags() };
        let with = Inst { word: self.flags_for(flags, at.0), offset: at.1, ..NONE };
        self.emit("store", ty, vec![result, at.0.value], with, &[]);
    }

    /// An atomic access to the buffer's start, which is aligned.
    fn atomic(&mut self) {
        let ty = self.random.pick(&Ty::TO_64);
        let buffer = self.f.blocks[0].params[0];
        let offset = 8 * self.random.below(32) as u128;
        let offset = self.constant(Ty::I64, offset);
        let at = self.emit("iadd", Ty::I64, vec![buffer, offset], NONE, &[Ty::I64])[0];
        let (a, b) = (self.operand(ty), self.operand(ty));
        match self.random.below(5) {
            0 => {
                self.add("atomic_load", ty, vec![at], ty);
            }
            1 => {
                self.emit("atomic_store", ty, vec![a, at], NONE, &[]);
            }
            2 => {
                self.add("atomic_cas", ty, vec![at, a, b], ty);
            }
            3 => {
                self.emit("fence", ty, vec![], NONE, &[]);
            }
            _ => {
                let word = self.random.pick(&RMW);
                let value = self.emit("atomic_rmw", ty, vec![at, a], Inst { word, ..NONE }, &[ty])[0];
                if self.random.chance(60) {
                    self.scope.push(value);
                }
            }
        }
    }

    fn derive_address(&mut self) {
        let base = match self.random.below(4) {
            0 if !self.f.slots.is_empty() => {
                let entity = self.random.below(self.f.slots.len());
                let start = self.random.below(64) as i64;
                let with = Inst { entity, offset: start, ..NONE };
                let value = self.emit("stack_addr", Ty::I64, vec![], with, &[Ty::I64])[0];
                Address { value, low: start, high: start, size: 64, nullable: false }
            }
            1 => {
                let with = Inst { entity: self.random.below(2), ..NONE };
                let value = self.emit("symbol_value", Ty::I64, vec![], with, &[Ty::I64])[0];
                Address { value, low: 0, high: 0, size: 256, nullable: false }
            }
            _ => self.random.pick(&self.addresses.clone()),
        };
        let at = match self.random.below(4) {
            0 => base,
            1 => self.move_by_constant(base),
            _ => self.move_by_index(base),
        };
        if at.low > -(1 << 40) && at.high < 1 << 40 {
            self.addresses.push(at);
        }
    }

    fn move_by_constant(&mut self, base: Address) -> Address {
        let near = self.random.below(200) as i64 - 100;
        let far = [i64::from(i32::MAX), i64::from(i32::MIN), -i64::from(i32::MAX), 1 << 31, 1 << 32];
        // Go far away and mostly back.
        let away = base.low.abs() > 1000;
        let distance = match self.random.below(8) {
            0 if !base.nullable && !away => self.random.pick(&far) + near,
            _ if away => near - base.low,
            _ => near,
        };
        let is_sum = self.random.chance(60);
        let bits = if is_sum { distance } else { -distance };
        let constant = self.constant(Ty::I64, bits as u64 as u128);
        let op = if is_sum { "iadd" } else { "isub" };
        let args = match is_sum && self.random.chance(20) {
            true => vec![constant, base.value],
            false => vec![base.value, constant],
        };
        let value = self.emit(op, Ty::I64, args, NONE, &[Ty::I64])[0];
        Address { value, low: base.low + distance, high: base.high + distance, ..base }
    }

    /// Adds an index of a few bits, scaled in one of several ways.
    fn move_by_index(&mut self, base: Address) -> Address {
        let ty = self.random.pick(&[Ty::I8, Ty::I32, Ty::I64]);
        let index = self.operand(ty);
        let most = self.random.pick(&[1, 3, 7, 15]);
        let mask = self.constant(ty, most);
        let mut index = self.emit("band", ty, vec![index, mask], NONE, &[ty])[0];
        if ty != Ty::I64 {
            let op = self.random.pick(&["uextend", "sextend"]);
            index = self.emit(op, Ty::I64, vec![index], NONE, &[Ty::I64])[0];
        }
        let mut plus = 0;
        if self.random.chance(30) {
            plus = self.random.below(9) as i64 - 4;
            let constant = self.constant(Ty::I64, plus as u64 as u128);
            index = self.emit("iadd", Ty::I64, vec![index, constant], NONE, &[Ty::I64])[0];
        }
        let scale = self.random.below(5);
        if scale > 0 {
            let (op, by) =
                if self.random.chance(70) { ("ishl", scale as u128) } else { ("imul", 1 << scale) };
            let ty = if op == "ishl" { self.random.pick(&Ty::TO_64) } else { Ty::I64 };
            let by = self.constant(ty, by);
            index = self.emit(op, Ty::I64, vec![index, by], NONE, &[Ty::I64])[0];
        }
        let args = if self.random.chance(50) { vec![base.value, index] } else { vec![index, base.value] };
        let value = self.emit("iadd", Ty::I64, args, NONE, &[Ty::I64])[0];
        let (low, high) = (plus << scale, (plus + most as i64) << scale);
        Address { value, low: base.low + low, high: base.high + high, ..base }
    }
}

impl Address {
    /// The lowest and highest offset for an access of `bytes`.
    fn offsets(&self, bytes: i64) -> Option<(i64, i64)> {
        let (first, last) = (-self.low, self.size - bytes - self.high);
        let limits = i64::from(i32::MIN)..=i64::from(i32::MAX);
        (first <= last && limits.contains(&first) && limits.contains(&last)).then_some((first, last))
    }
}
