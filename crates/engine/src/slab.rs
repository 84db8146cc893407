//! A table of slots that are reused, each with a generation that tells its tenants apart.

/// A table.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    live: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    tenant: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), live: 0 }
    }
}

impl<T> Slab<T> {
    /// Moves somebody in; `make` is told index and generation.
    pub(crate) fn insert(&mut self, make: impl FnOnce(u32, u32) -> T) -> usize {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
                assert!(index < 1 << 31, "a worker holds fewer than 2^31 connections of a side");
                self.slots.push(Slot { generation: 0, tenant: None });
                index
            }
        };
        let slot = &mut self.slots[index as usize];
        assert!(slot.tenant.is_none(), "a free slot is empty");
        slot.tenant = Some(make(index, slot.generation));
        self.live += 1;
        index as usize
    }

    /// The tenant of this index, if it is still the one of this generation.
    #[inline]
    pub(crate) fn get(&self, index: usize, generation: u32) -> Option<&T> {
        match self.slots.get(index) {
            Some(slot) if slot.generation == generation => slot.tenant.as_ref(),
            _ => None,
        }
    }

    /// As [`Slab::get`], to change it.
    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize, generation: u32) -> Option<&mut T> {
        match self.slots.get_mut(index) {
            Some(slot) if slot.generation == generation => slot.tenant.as_mut(),
            _ => None,
        }
    }

    /// Whoever lives at this index now.
    pub(crate) fn at(&self, index: usize) -> Option<&T> {
        self.slots.get(index)?.tenant.as_ref()
    }

    /// Moves the tenant out; its identifier is dead from here on.
    pub(crate) fn remove(&mut self, index: usize, generation: u32) -> Option<T> {
        let slot = self.slots.get_mut(index)?;
        if slot.generation != generation {
            return None;
        }
        let tenant = slot.tenant.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(index as u32);
        self.live -= 1;
        Some(tenant)
    }

    /// How many live here.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// One past the highest index ever used.
    pub(crate) fn bound(&self) -> usize {
        self.slots.len()
    }

    /// Everybody, by index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter_map(|slot| slot.tenant.as_ref())
    }

    /// As [`Slab::iter`], to change them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| slot.tenant.as_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_identifier_finds_nobody() {
        let mut slab = Slab::default();
        let a = slab.insert(|_, _| 'a');
        assert_eq!(slab.remove(a, 0), Some('a'));
        let b = slab.insert(|_, generation| if generation == 1 { 'b' } else { '?' });
        assert_eq!(a, b);
        assert_eq!(slab.get(a, 0), None);
        assert_eq!(slab.get(b, 1), Some(&'b'));
        assert_eq!(slab.remove(a, 0), None);
        assert_eq!(slab.len(), 1);
    }
}
