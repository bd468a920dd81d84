//! The memory of a run: regions with nothing between them, so that what goes beyond one is noticed.
//!
//! All addresses are below 2^31, so that 32-bit ones hold them. Code is a region of zeros: it can be
//! pointed into and read, as on a machine, and means nothing.

use crate::ir::Endianness;

/// Where the regions of each kind begin.
pub(super) const CODE: u64 = 0x0001_0000;
pub(super) const DATA: u64 = 0x1000_0000;
pub(super) const HEAP: u64 = 0x4000_0000;
const HEAP_END: u64 = 0x7000_0000;
/// One past the highest address of the stack.
pub(super) const STACK_TOP: u64 = 0x7fff_0000;
/// Bytes of the stack.
pub(super) const STACK_BYTES: u64 = 8 << 20;
/// Bytes between regions.
pub(super) const GAP: u64 = 64;

/// Bytes at an address.
struct Region {
    base: u64,
    bytes: Vec<u8>,
    is_writable: bool,
}

impl Region {
    fn offset(&self, address: u64, size: u64) -> Option<usize> {
        let offset = address.checked_sub(self.base)?;
        let end = offset.checked_add(size)?;
        (end <= self.bytes.len() as u64).then_some(offset as usize)
    }
}

/// All memory that a run can reach.
pub(super) struct Memory {
    /// By address, the stack last.
    regions: Vec<Region>,
    /// Where the next block of the heap begins.
    heap: u64,
    /// The lowest address of the stack that is in use.
    pub stack_pointer: u64,
    /// The byte order of accesses that name none.
    pub order: Endianness,
}

impl Memory {
    /// Nothing but a stack.
    pub fn new(order: Endianness) -> Self {
        let base = STACK_TOP - STACK_BYTES;
        let stack = Region { base, bytes: vec![0; STACK_BYTES as usize], is_writable: true };
        Memory { regions: vec![stack], heap: HEAP, stack_pointer: STACK_TOP, order }
    }

    /// Adds a region, which overlaps none.
    pub fn add(&mut self, base: u64, bytes: Vec<u8>, is_writable: bool) {
        let at = self.regions.partition_point(|region| region.base < base);
        self.regions.insert(at, Region { base, bytes, is_writable });
    }

    /// Takes a block of zeros from the heap; `None` if there is no room.
    pub fn allocate(&mut self, size: u64) -> Option<u64> {
        let base = self.heap;
        let end = base.checked_add(size)?.checked_next_multiple_of(16)?.checked_add(GAP)?;
        if end > HEAP_END {
            return None;
        }
        self.heap = end;
        self.add(base, vec![0; size as usize], true);
        Some(base)
    }

    /// Gives a block back; whether there is one at the address.
    pub fn free(&mut self, base: u64) -> bool {
        let found = self.regions.binary_search_by_key(&base, |region| region.base);
        let is_block = (HEAP..HEAP_END).contains(&base);
        found.is_ok_and(|at| is_block && { self.regions.remove(at).base == base })
    }

    /// Index of the region that holds `size` bytes at `address`, and where in it they are.
    fn find(&self, address: u64, size: u64) -> Option<(usize, usize)> {
        let at = self.regions.partition_point(|region| region.base <= address).checked_sub(1)?;
        let offset = self.regions[at].offset(address, size)?;
        let is_stack = at + 1 == self.regions.len();
        (!is_stack || address >= self.stack_pointer).then_some((at, offset))
    }

    /// The bytes at an address, if there are that many.
    pub fn read(&self, address: u64, size: u64) -> Option<&[u8]> {
        let (at, offset) = self.find(address, size)?;
        Some(&self.regions[at].bytes[offset..][..size as usize])
    }

    /// The bytes from an address to the end of its region.
    pub fn read_to_end(&self, address: u64) -> Option<&[u8]> {
        let (at, offset) = self.find(address, 0)?;
        Some(&self.regions[at].bytes[offset..])
    }

    /// The 64-bit word at an address, in the usual byte order.
    pub fn read_word(&self, address: u64) -> Option<u64> {
        let bytes = self.read(address, 8)?.try_into().ok()?;
        Some(match self.order {
            Endianness::Little => u64::from_le_bytes(bytes),
            Endianness::Big => u64::from_be_bytes(bytes),
        })
    }

    /// Writes a 64-bit word in the usual byte order, where there is memory for it.
    pub fn write_word(&mut self, address: u64, word: u64) {
        let bytes = match self.order {
            Endianness::Little => word.to_le_bytes(),
            Endianness::Big => word.to_be_bytes(),
        };
        if let Some(to) = self.write(address, 8) {
            to.copy_from_slice(&bytes);
        }
    }

    /// The bytes at an address, to be written, if there are that many and they may be.
    pub fn write(&mut self, address: u64, size: u64) -> Option<&mut [u8]> {
        let (at, offset) = self.find(address, size)?;
        let region = &mut self.regions[at];
        region.is_writable.then(|| &mut region.bytes[offset..][..size as usize])
    }
}
