//! What the machine answered, so that a name that stands in a thousand blocks is looked up once.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use crate::model::InterfaceName;

use super::host::{Host, Interface, NameTable, Script};

/// A host that is asked once about each name that many blocks may hold. Every method of [`Host`] has to be here: the
/// default of one that is not would stand for what the machine says.
pub(super) struct Asked<'h> {
    host: &'h dyn Host,
    interfaces: Answers<InterfaceName, Interface>,
    users: Answers<String, Option<u32>>,
    groups: Answers<String, Option<u32>>,
    scripts: Answers<String, Script>,
}

/// The answers to one kind of question.
struct Answers<Q, A>(RefCell<HashMap<Q, A>>);

impl<Q: Eq + Hash, A: Copy> Answers<Q, A> {
    fn new() -> Answers<Q, A> {
        Answers(RefCell::default())
    }

    fn get<K: ToOwned<Owned = Q> + Eq + Hash + ?Sized>(&self, question: &K, ask: impl FnOnce() -> A) -> A
    where
        Q: Borrow<K>,
    {
        let known = self.0.borrow().get(question).copied();
        known.unwrap_or_else(|| {
            let answer = ask();
            self.0.borrow_mut().insert(question.to_owned(), answer);
            answer
        })
    }
}

impl<'h> Asked<'h> {
    pub fn new(host: &'h dyn Host) -> Asked<'h> {
        Asked {
            host,
            interfaces: Answers::new(),
            users: Answers::new(),
            groups: Answers::new(),
            scripts: Answers::new(),
        }
    }
}

impl Host for Asked<'_> {
    fn interface(&self, name: &InterfaceName) -> Interface {
        self.interfaces.get(name, || self.host.interface(name))
    }

    fn user(&self, name: &str) -> Option<u32> {
        self.users.get(name, || self.host.user(name))
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.groups.get(name, || self.host.group(name))
    }

    fn script(&self, program: &str) -> Script {
        self.scripts.get(program, || self.host.script(program))
    }

    fn resolve(&self, name: &str) -> Option<IpAddr> {
        self.host.resolve(name)
    }

    fn processors(&self) -> u16 {
        self.host.processors()
    }

    fn can_hold_files(&self, directory: &str) -> bool {
        self.host.can_hold_files(directory)
    }

    fn number_of(&self, table: NameTable, name: &str) -> Option<u32> {
        self.host.number_of(table, name)
    }

    fn vrf_table(&self, name: &InterfaceName) -> Option<u32> {
        self.host.vrf_table(name)
    }

    fn has_network_namespace(&self, name: &str) -> bool {
        self.host.has_network_namespace(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    struct Counting(Cell<u32>);

    impl Host for Counting {
        fn interface(&self, name: &InterfaceName) -> Interface {
            self.0.set(self.0.get() + 1);
            if name.as_str() == "lo" { Interface::Loopback } else { Interface::Missing }
        }
        fn user(&self, name: &str) -> Option<u32> {
            self.0.set(self.0.get() + 1);
            (name == "root").then_some(0)
        }
        fn group(&self, _: &str) -> Option<u32> {
            None
        }
        fn script(&self, _: &str) -> Script {
            Script::Missing
        }
        fn resolve(&self, _: &str) -> Option<IpAddr> {
            None
        }
    }

    #[test]
    fn a_question_is_asked_once_and_answered_as_often_as_it_comes() {
        let host = Counting(Cell::new(0));
        let asked = Asked::new(&host);
        let name = |name| InterfaceName::new(name).expect("a valid name");
        for _ in 0..3 {
            assert_eq!(asked.interface(&name("lo")), Interface::Loopback);
            assert_eq!(asked.interface(&name("eth0")), Interface::Missing);
            assert_eq!((asked.user("root"), asked.user("nobody")), (Some(0), None));
        }
        assert_eq!(host.0.get(), 4);
    }
}
