//! Who is one customer when exports share no id: identifiers of all sources → groups → what becomes of each row. The rules
//! are those of docs/identity.md. Never knows shards or profiles.

mod account;
mod bytes;
mod collect;
mod erased;
mod groups;
mod kinds;
mod link;
mod linked;
mod lists;
mod merges;
mod number;
mod refused;
mod rows;
mod trace;
mod tree;

pub use account::{ErasedRecord, IdentityRecord, MergesRecord, RefusedRecord};
pub use collect::Collector;
pub use erased::{Erased, ErasedIds};
pub use kinds::Kinds;
pub use link::{Linking, link};
pub use linked::{Fate, Linked, Place, Rule, state};
pub use lists::{ListFile, Lists};
pub use number::{Store, number};
pub use refused::{MOST_CUSTOMERS, Reason, Refused, RefusedLine, refused};
pub use rows::{Block, BlockPlace};
pub use trace::Trace;
pub use tree::{Customer, Line, Lines, Of, Starts, State, customers, resolve, rule_names};
