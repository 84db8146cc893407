//! Numbers that remember where they come from.

use std::borrow::Cow;

use crate::Place;

/// Where a number comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is written there.
    Written(Place),
    /// Nobody wrote it: the sentence says what was assumed, and names the setting that would say otherwise.
    /// `SQLAlchemy opens up to 10 beyond its pool: max_overflow is not set`.
    Assumed(Cow<'static, str>),
    /// It follows from how the thing works, or from other numbers: nothing to be told.
    Implied,
}

/// A count with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// How many.
    pub value: u32,
    /// Says who.
    pub origin: Origin,
}

impl Number {
    /// A number that is written somewhere.
    pub fn written(value: u32, place: &Place) -> Self {
        Self { value, origin: Origin::Written(place.clone()) }
    }

    /// A number nobody wrote.
    pub fn assumed(value: u32, why: impl Into<Cow<'static, str>>) -> Self {
        Self { value, origin: Origin::Assumed(why.into()) }
    }

    /// A number that cannot be other.
    pub const fn implied(value: u32) -> Self {
        Self { value, origin: Origin::Implied }
    }

    /// The assumption it rests on, if it does.
    pub fn assumption(&self) -> Option<&str> {
        match &self.origin {
            Origin::Assumed(why) => Some(why),
            Origin::Written(_) | Origin::Implied => None,
        }
    }

    /// The place it is written at, if it is.
    pub fn place(&self) -> Option<&Place> {
        match &self.origin {
            Origin::Written(place) => Some(place),
            Origin::Assumed(_) | Origin::Implied => None,
        }
    }
}
