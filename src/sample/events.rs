//! Accounts with many events: invoices in several states, usage, tickets; about ten rows per account. Owns these
//! exports and their spec.

use std::fmt::Write;

use super::dice::Dice;
use super::rows::{Export, day, maybe, row};

/// The profile spec of this data.
pub(super) const SPEC: &str = include_str!("events.toml");

/// The exports, in the order of `append_account`'s texts.
pub(super) const FILES: [Export; 4] = [
    Export { name: "accounts.csv", header: "account_id,name,segment,country,opened_on,seats,updated_at" },
    Export { name: "invoices.csv", header: "invoice_id,account_id,amount,state,issued_on,paid_on" },
    Export { name: "usage.csv", header: "account_id,event,happened_at,units,seconds" },
    Export { name: "tickets.csv", header: "ticket_id,account_id,priority,state,opened_on,satisfaction" },
];

const SEGMENT: [&str; 4] = ["consumer", "small", "mid market", "enterprise"];
const COUNTRY: [&str; 8] = ["BR", "CA", "DE", "FR", "IN", "JP", "NG", "US"];
const STATE: [&str; 6] = ["paid", "paid", "paid", "open", "void", "refunded"];
const EVENT: [&str; 5] = ["login", "export", "report", "invite", "api call"];
const PRIORITY: [&str; 3] = ["low", "normal", "urgent"];

/// Appends an account's rows to each export's text.
pub(super) fn append_account(account: u64, dice: &mut Dice, texts: &mut [Vec<u8>; 4]) {
    let id = format!("acc-{account:08}");
    let [accounts, invoices, usage, tickets] = texts;
    let (segment, country, seats) = (dice.pick(&SEGMENT), dice.pick(&COUNTRY), dice.between(1, 400));
    let (opened, updated) = (day(dice, 100), moment(dice));
    row(accounts, format_args!("{id},Account {account},{segment},{country},{opened},{seats},{updated}"));
    for n in 0..dice.below(7) {
        let (cents, state, issued) = (amount(dice), dice.pick(&STATE), day(dice, 100));
        let paid = if state == "paid" { day(dice, 98) } else { String::new() };
        row(invoices, format_args!("inv-{account:08}-{n},{id},{cents},{state},{issued},{paid}"));
    }
    for _ in 0..dice.below(9) {
        let (event, at, units) = (dice.pick(&EVENT), moment(dice), maybe(dice, 95, |d| d.below(1000)));
        let seconds = maybe(dice, 90, |d| format!("{}.{:03}", d.below(600), d.below(1000)));
        row(usage, format_args!("{id},{event},{at},{units},{seconds}"));
    }
    for n in 0..dice.below(5) {
        let (priority, open, opened) = (dice.pick(&PRIORITY), dice.percent(30), day(dice, 100));
        let state = if open { "open" } else { "closed" };
        let satisfaction = maybe(dice, 70, |d| d.between(1, 5));
        row(tickets, format_args!("tkt-{account:08}-{n},{id},{priority},{state},{opened},{satisfaction}"));
    }
}

/// An amount with up to two decimals, sometimes negative, as for a credit.
fn amount(dice: &mut Dice) -> String {
    let mut text = if dice.percent(4) { "-".to_owned() } else { String::new() };
    // Writing to a String cannot fail.
    let _ = write!(text, "{}", dice.below(20_000));
    let cents = dice.below(100);
    if dice.percent(70) {
        let _ = write!(text, ".{cents:02}");
    }
    text
}

fn moment(dice: &mut Dice) -> String {
    let date = day(dice, 100);
    format!("{date} {:02}:{:02}:{:02}", dice.below(24), dice.below(60), dice.below(60))
}
