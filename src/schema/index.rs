//! Names → places in a list. Every word of a configuration is looked up here, so it is quick.

/// A hash table with open addressing over the names of a list, which it does not hold itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// Places in the list, plus one; 0 is free. At most half of them are taken.
    slots: Vec<u16>,
}

impl Index {
    /// Of two equal names the first counts.
    pub fn new<'n>(names: impl ExactSizeIterator<Item = &'n str> + Clone) -> Index {
        let mut index = Index { slots: vec![0; (names.len() * 2).next_power_of_two()] };
        for (place, name) in names.clone().enumerate() {
            let is_it = |other: usize| names.clone().nth(other) == Some(name);
            if let Err(free) = index.find(name.as_bytes(), is_it) {
                index.slots[free] = place as u16 + 1;
            }
        }
        index
    }

    /// The place of `name`, which `is_it` confirms.
    pub fn get(&self, name: &[u8], is_it: impl Fn(usize) -> bool) -> Option<usize> {
        if self.slots.is_empty() { None } else { self.find(name, is_it).ok() }
    }

    /// The place, or the slot where it would be noted.
    fn find(&self, name: &[u8], is_it: impl Fn(usize) -> bool) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(name) as usize & mask;
        loop {
            match self.slots[slot] {
                0 => return Err(slot),
                place if is_it(usize::from(place) - 1) => return Ok(usize::from(place) - 1),
                _ => slot = (slot + 1) & mask,
            }
        }
    }
}

/// FNV-1a. The names are the grammar's own: nobody can choose colliding ones.
fn hash(name: &[u8]) -> u32 {
    let hash = name.iter().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        let names: Vec<String> = (0..300).map(|number| format!("name_{number}")).collect();
        let index = Index::new(names.iter().map(String::as_str));
        let get = |name: &str| index.get(name.as_bytes(), |place| names[place] == name);
        assert!(names.iter().enumerate().all(|(place, name)| get(name) == Some(place)));
        assert_eq!((get("name_300"), get("")), (None, None));
        assert_eq!(Index::new([].into_iter()).get(b"x", |_| true), None);
    }
}
