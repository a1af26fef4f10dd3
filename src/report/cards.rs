//! Dataset cards for people.

use super::comparison::Table;
use crate::export::Card;
use crate::figure::table::plain;

/// The groups of records of a card.
pub fn card_table(card: &Card) -> Table {
    Table {
        title: format!("Records of {}", card.title),
        columns: card.columns.clone(),
        rows: card.groups.clone(),
        notes: Vec::new(),
    }
}

/// The card as Markdown.
pub fn card_markdown(card: &Card) -> String {
    let facts = card.facts.iter();
    let facts: String =
        facts.map(|(name, value)| format!("- {}: {}\n", plain(name), plain(value))).collect();
    format!("# {}\n\n{facts}\n{}", plain(&card.title), card_table(card).to_markdown())
}
