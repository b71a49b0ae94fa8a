//! The numbers by which files have a value that is one of a few.

/// Gives a type the numbers of its values, in the order of its `ALL`.
macro_rules! numbered {
    ($kind:ty) => {
        impl $kind {
            /// Returns the number that stores use for it: 0 for the first of [`Self::ALL`].
            /// Numbers never change, because files contain them.
            #[must_use]
            pub fn number(self) -> i64 {
                self as i64
            }

            /// Returns the one with a number, or `None` if this version knows none.
            #[must_use]
            pub fn from_number(number: i64) -> Option<Self> {
                Self::ALL.get(usize::try_from(number).ok()?).copied()
            }
        }
    };
}

pub(crate) use numbered;
