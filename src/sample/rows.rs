//! A generated customer's clean row in each export. Owns the exports of the default profile.

use std::fmt;
use std::io::Write;

use chrono::{Days, NaiveDate};

use super::dice::Dice;

/// One export: file name and header.
pub(super) struct Export {
    pub name: &'static str,
    pub header: &'static str,
}

impl Export {
    /// Name of its source.
    pub fn source(&self) -> &'static str {
        self.name.trim_end_matches(".csv")
    }
}

/// The exports, in the order of `append_customer`'s texts.
pub(super) const FILES: [Export; 4] = [
    Export {
        name: "crm.csv",
        header: "customer_id,email,company_name,industry,employee_count,deal_stage,deal_value,sales_owner,last_contact",
    },
    Export { name: "billing.csv", header: "customer_id,email,plan,mrr,payment_status,subscription_start,last_payment" },
    Export {
        name: "product.csv",
        header: "customer_id,email,signup_date,last_active,total_sessions,features_used,usage_pct,account_status",
    },
    Export {
        name: "support.csv",
        header: "customer_id,email,total_tickets,open_tickets,avg_resolution_hrs,last_ticket_date,nps_score,csat_score",
    },
];

const FIRST: [&str; 16] = [
    "ada", "ben", "carla", "dmitri", "elena", "farid", "grace", "hugo", "ines", "jonas", "keiko", "liam", "maria",
    "noor", "olga", "pavel",
];
const LAST: [&str; 16] = [
    "abe", "baker", "chen", "diaz", "eriksen", "fischer", "garcia", "hansen", "ito", "jansen", "kaya", "lopez",
    "meyer", "novak", "okafor", "patel",
];
const ADJECTIVE: [&str; 12] =
    ["Blue", "Bright", "Clear", "Global", "Green", "Iron", "Lunar", "North", "Prime", "Rapid", "Silver", "Swift"];
const NOUN: [&str; 12] = [
    "Analytics",
    "Bakery",
    "Cargo",
    "Dynamics",
    "Foods",
    "Health",
    "Labs",
    "Logistics",
    "Media",
    "Robotics",
    "Systems",
    "Textiles",
];
const FORM: [&str; 4] = ["GmbH", "Inc", "Ltd", "SA"];
const INDUSTRY: [&str; 8] =
    ["education", "finance", "healthcare", "logistics", "manufacturing", "media", "retail", "software"];
const STAGE: [&str; 7] =
    ["prospect", "qualified", "proposal", "negotiation", "closed_won", "closed_lost", "enterprise"];
const PLAN: [&str; 6] = ["free", "starter", "basic", "professional", "business", "enterprise"];
const PAYMENT: [&str; 8] = ["active", "active", "active", "active", "active", "Past Due", "failed", "cancelled"];
const STATUS: [&str; 4] = ["active", "active", "active", "suspended"];

/// Appends a customer's row to each export's text.
pub(super) fn append_customer(customer: u64, dice: &mut Dice, texts: &mut [Vec<u8>; 4]) {
    let id = format!("cust_{customer:08}");
    let (first, last) = (dice.pick(&FIRST), dice.pick(&LAST));
    let company = format!("{} {} {}", dice.pick(&ADJECTIVE), dice.pick(&NOUN), dice.pick(&FORM));
    let email =
        format!("{first}.{last}{customer}@{}.example", company.split(' ').nth(1).unwrap_or_default().to_lowercase());
    let [crm, billing, product, support] = texts;

    let owner = format!("{} {}", dice.pick(&FIRST), dice.pick(&LAST));
    let (industry, employees) = (dice.pick(&INDUSTRY), dice.between(1, 5000));
    let (stage, value) = (dice.pick(&STAGE), dice.between(0, 2500) * 100);
    let contact = day(dice, 97);
    row(crm, format_args!("{id},{email},{company},{industry},{employees},{stage},{value},{owner},{contact}"));

    let (plan, mrr) = (dice.pick(&PLAN), dice.between(0, 400) * 25);
    let (payment, start, paid) = (dice.pick(&PAYMENT), day(dice, 100), day(dice, 95));
    row(billing, format_args!("{id},{email},{plan},{mrr},{payment},{start},{paid}"));

    let (signup, active, sessions) = (day(dice, 100), day(dice, 97), dice.below(2000));
    let (features, usage) = (dice.below(40), maybe(dice, 96, |d| d.below(101)));
    let status = dice.pick(&STATUS);
    row(product, format_args!("{id},{email},{signup},{active},{sessions},{features},{usage},{status}"));

    let tickets = dice.below(40);
    let open = dice.below(tickets.min(6) + 1);
    let hours = maybe(dice, 90, |d| format!("{}.{}", d.below(96), d.below(10)));
    let (ticket, nps) = (day(dice, 85), maybe(dice, 80, |d| d.below(11)));
    let csat = maybe(dice, 85, |d| format!("{}.{}", d.between(1, 4), d.below(10)));
    row(support, format_args!("{id},{email},{tickets},{open},{hours},{ticket},{nps},{csat}"));
}

/// Appends a line.
pub(super) fn row(text: &mut Vec<u8>, fields: fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = writeln!(text, "{fields}");
}

/// A value with this chance in percent, else the empty field.
pub(super) fn maybe<T: ToString>(dice: &mut Dice, percent: u32, value: impl FnOnce(&mut Dice) -> T) -> String {
    // The value is always drawn, so that one field's chance does not change the others.
    let value = value(dice).to_string();
    if dice.percent(percent) { value } else { String::new() }
}

/// A day from 2023 to mid 2026, with this chance in percent, else the empty field.
pub(super) fn day(dice: &mut Dice, percent: u32) -> String {
    let start = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap_or_default();
    maybe(dice, percent, |d| start + Days::new(d.below(1280).into()))
}
