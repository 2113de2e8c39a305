//! Logic with a third truth for what is not known yet.

/// Whether something is so. The strong logic of Kleene: what is unknown stays unknown unless the rest decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// What is known does not tell.
    Unknown,
}

impl Truth {
    /// Both.
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
        }
    }

    /// At least one.
    pub fn or(self, other: Truth) -> Truth {
        !(!self).and(!other)
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;
    fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(so: bool) -> Truth {
        if so { Truth::True } else { Truth::False }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};

    /// Unknown stands for both truths: a result is unknown exactly if they differ.
    #[test]
    fn unknown_is_decided_only_by_the_rest() {
        let worlds = |truth| match truth {
            Unknown => vec![true, false],
            known => vec![known == True],
        };
        for a in [True, False, Unknown] {
            for b in [True, False, Unknown] {
                let all = |op: fn(bool, bool) -> bool| {
                    let mut results = worlds(a)
                        .into_iter()
                        .flat_map(|a| worlds(b).into_iter().map(move |b| op(a, b)));
                    let first = results.next().is_some_and(|first| first);
                    if results.all(|other| other == first) {
                        Truth::from(first)
                    } else {
                        Unknown
                    }
                };
                assert_eq!(a.and(b), all(|a, b| a && b), "{a:?} and {b:?}");
                assert_eq!(a.or(b), all(|a, b| a || b), "{a:?} or {b:?}");
            }
        }
        assert_eq!((!True, !False, !Unknown), (False, True, Unknown));
    }
}
