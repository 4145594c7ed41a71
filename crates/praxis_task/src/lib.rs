//! Pick, place, sort: a sequence of goals that can be cancelled and explains itself.
