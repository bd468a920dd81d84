//! Typed 32-bit indices and the flat maps keyed by them.
//!
//! Everything in the IR and in machine code is identified by a small integer. Since each kind of entity has
//! an index type of its own, mixing them up is a type error, while the data stays in flat vectors.

mod named;

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};
use zerocopy::{ByteHash, Immutable, IntoBytes};

/// A typed index: a `u32` in a wrapper.
pub trait Entity: Copy + Eq {
    /// The entity with number `index`.
    fn new(index: usize) -> Self;
    /// The entity's number.
    fn index(self) -> usize;
}

/// Defines an [`Entity`] type that is displayed as its prefix followed by its number.
#[macro_export]
macro_rules! entity {
    ($(#[$attr:meta])* $name:ident, $prefix:literal) => {
        $(#[$attr])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[derive(::zerocopy::ByteHash, ::zerocopy::IntoBytes, ::zerocopy::Immutable)]
        #[repr(transparent)]
        pub struct $name(pub u32);
        impl $crate::entity::Entity for $name {
            #[inline]
            fn new(index: usize) -> Self {
                Self(index as u32)
            }
            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }
    };
}

/// A vector indexed by an entity type; pushing makes the next entity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Map<K, V> {
    items: Vec<V>,
    key: PhantomData<K>,
}

impl<K: Entity, V> Map<K, V> {
    /// An empty map.
    pub const fn new() -> Self {
        Self { items: Vec::new(), key: PhantomData }
    }

    /// Appends `value` and returns its key.
    #[inline]
    pub fn push(&mut self, value: V) -> K {
        let key = K::new(self.items.len());
        self.items.push(value);
        key
    }

    /// The number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The entry of `key`, if there is one.
    #[inline]
    pub fn get(&self, key: K) -> Option<&V> {
        self.items.get(key.index())
    }

    /// All values, in the order of their keys.
    pub fn as_slice(&self) -> &[V] {
        &self.items
    }

    /// Removes all entries, keeping the memory.
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// Makes room for this many further entries.
    pub fn reserve(&mut self, further: usize) {
        self.items.reserve(further);
    }

    /// Changes the number of entries to `len`; new ones are clones of `value`.
    pub fn resize(&mut self, len: usize, value: V)
    where
        V: Clone,
    {
        self.items.resize(len, value);
    }

    /// Extends the map with clones of `value` until `key` has an entry.
    pub fn ensure(&mut self, key: K, value: V)
    where
        V: Clone,
    {
        if self.items.len() <= key.index() {
            self.items.resize(key.index() + 1, value);
        }
    }

    /// Appends values.
    pub fn extend(&mut self, values: impl IntoIterator<Item = V>) {
        self.items.extend(values);
    }

    /// Appends clones of all `values`.
    pub fn extend_from_slice(&mut self, values: &[V])
    where
        V: Clone,
    {
        self.items.extend_from_slice(values);
    }

    /// Keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator + use<K, V> {
        (0..self.items.len()).map(K::new)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(i, v)| (K::new(i), v))
    }

    /// Values in order.
    pub fn values(&self) -> std::slice::Iter<'_, V> {
        self.items.iter()
    }

    /// Values in order, mutable.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, V> {
        self.items.iter_mut()
    }
}

impl<K: Entity, V> From<Vec<V>> for Map<K, V> {
    fn from(items: Vec<V>) -> Self {
        Self { items, key: PhantomData }
    }
}

impl<K: Entity, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Entity, V> Index<K> for Map<K, V> {
    type Output = V;
    #[inline]
    fn index(&self, key: K) -> &V {
        &self.items[key.index()]
    }
}

impl<K: Entity, V> IndexMut<K> for Map<K, V> {
    #[inline]
    fn index_mut(&mut self, key: K) -> &mut V {
        &mut self.items[key.index()]
    }
}

/// Index of a list in a [`ListPool`]; 0 is the empty list.
#[derive(Clone, Copy, PartialEq, Eq, ByteHash, IntoBytes, Immutable, Default, Debug)]
#[repr(transparent)]
pub struct List(pub u32);

/// Lists of 32-bit words, stored in one vector. A list is its length followed by its items; it never grows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListPool {
    words: Vec<u32>,
}

impl Default for ListPool {
    fn default() -> Self {
        Self { words: vec![0] }
    }
}

impl ListPool {
    /// Stores `items` as a new list.
    pub fn add(&mut self, items: &[u32]) -> List {
        if items.is_empty() {
            return List(0);
        }
        let at = self.words.len() as u32;
        self.words.push(items.len() as u32);
        self.words.extend_from_slice(items);
        List(at)
    }

    /// Stores what an iterator returns as a new list.
    #[inline]
    pub fn collect(&mut self, items: impl Iterator<Item = u32>) -> List {
        let at = self.words.len();
        self.words.push(0);
        self.words.extend(items);
        let count = self.words.len() - at - 1;
        if count == 0 {
            self.words.truncate(at);
            return List(0);
        }
        self.words[at] = count as u32;
        List(at as u32)
    }

    /// The items of `list`.
    #[inline]
    pub fn get(&self, list: List) -> &[u32] {
        let at = list.0 as usize;
        let len = self.words[at] as usize;
        &self.words[at + 1..at + 1 + len]
    }

    /// The items of `list`, mutable.
    #[inline]
    pub fn get_mut(&mut self, list: List) -> &mut [u32] {
        let at = list.0 as usize;
        let len = self.words[at] as usize;
        &mut self.words[at + 1..at + 1 + len]
    }

    /// Removes all lists, keeping the memory.
    pub fn clear(&mut self) {
        self.words.truncate(1);
    }
}

/// A range of positions in a flat array, such as the instructions of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The first position.
    pub start: u32,
    /// The position after the last.
    pub end: u32,
}

impl Span {
    /// The positions from `start` to before `end`.
    #[inline]
    pub const fn new(start: u32, end: u32) -> Self {
        Span { start, end }
    }

    /// The positions from `start` to the end of an array of this length.
    #[inline]
    pub const fn from(start: u32, len: usize) -> Self {
        Span { start, end: len as u32 }
    }

    /// Number of positions.
    #[inline]
    pub const fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether there are none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The positions.
    #[inline]
    pub fn iter(self) -> std::ops::Range<u32> {
        self.start..self.end
    }

    /// The elements of an array at these positions.
    #[inline]
    pub fn of<T>(self, array: &[T]) -> &[T] {
        &array[self.start as usize..self.end as usize]
    }
}
