//! What the person says of the chosen record: accepted or discarded, a rating, tags.

use super::State;
use crate::app::command::Command;
use crate::app::reviewing::Change;
use crate::app::ui::name_field;
use crate::app::window::Window;
use crate::data::{BEST_RATING, RecordId, Review, Verdict};
use egui::{Button, RichText, TextEdit, Ui};
use std::collections::BTreeSet;

/// The field in which tags are typed.
#[derive(Default)]
pub struct TagField {
    text: String,
    /// Of which record, and with which tags.
    of: Option<(RecordId, BTreeSet<String>)>,
    /// Put the cursor into it at the next picture.
    focus: bool,
}

impl State {
    /// Puts the cursor into the field of tags.
    pub fn focus_tags(&mut self) {
        self.tags.focus = true;
    }
}

/// The words that a person typed, parted by white space or commas.
fn tags_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What is said of a record, in signs: a tick or a cross, and stars.
pub(super) fn signs(review: &Review) -> String {
    let verdict = match review.verdict {
        Some(Verdict::Accepted) => "✔",
        Some(Verdict::Discarded) => "✖",
        None => "",
    };
    let stars = "★".repeat(usize::from(review.rating.unwrap_or(0)));
    format!("{verdict} {stars}").trim().to_owned()
}

/// What is said of a record, in words.
pub(super) fn words(review: &Review) -> String {
    let verdict = match review.verdict {
        Some(Verdict::Accepted) => Some("accepted".to_owned()),
        Some(Verdict::Discarded) => Some("discarded".to_owned()),
        None => None,
    };
    let rating = review.rating.map(|rating| format!("rated {rating} of {BEST_RATING}"));
    let tags = (!review.tags.is_empty()).then(|| format!("tags: {}", tags_text(&review.tags)));
    verdict.into_iter().chain(rating).chain(tags).collect::<Vec<_>>().join(", ")
}

/// Tags as they are typed.
pub(super) fn tags_text(tags: &BTreeSet<String>) -> String {
    tags.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

impl Window {
    /// Draws what is said of the chosen record, to be changed.
    pub(super) fn review_ui(&mut self, ui: &mut Ui) {
        let Some((_, id, review)) = self.reviewed() else { return };
        ui.horizontal(|ui| {
            for (verdict, command, mark, name) in [
                (Verdict::Accepted, Command::Accept, "✔", "Accept"),
                (Verdict::Discarded, Command::Discard, "✖", "Discard"),
            ] {
                let is_so = review.verdict == Some(verdict);
                let button = ui.add(Button::selectable(is_so, format!("{mark} {name}")));
                name_field(&button, name);
                if button.on_hover_text(keys(ui, command)).clicked() {
                    match is_so {
                        true => self.review(Change::Judge(None)),
                        false => self.judge(verdict),
                    }
                }
            }
            ui.separator();
            ui.spacing_mut().item_spacing.x = 1.0;
            for rating in 1..=BEST_RATING {
                let is_lit = review.rating.is_some_and(|given| given >= rating);
                let star = RichText::new(if is_lit { "★" } else { "☆" }).size(16.0);
                let button = ui.add(Button::new(star).frame(false).min_size([18.0, 20.0].into()));
                name_field(&button, &format!("Rate {rating}"));
                if button.on_hover_text(keys(ui, Command::Rate(rating))).clicked() {
                    let again = review.rating == Some(rating);
                    self.review(Change::Rate((!again).then_some(rating)));
                }
            }
            ui.spacing_mut().item_spacing.x = 8.0;
            ui.separator();
            self.tags_ui(ui, id, &review);
        });
    }

    fn tags_ui(&mut self, ui: &mut Ui, id: RecordId, review: &Review) {
        let of = Some((id, review.tags.clone()));
        let state = &mut self.data.tags;
        if state.of != of {
            state.text = tags_text(&review.tags);
            state.of = of;
        }
        let width = (ui.available_width() - 8.0).clamp(60.0, 320.0);
        let field = TextEdit::singleline(&mut state.text).hint_text("Tags").desired_width(width);
        let field = ui.add(field);
        name_field(&field, "Tags");
        if std::mem::take(&mut state.focus) {
            field.request_focus();
        }
        let about = format!("Words of your own, between blanks ({})", keys(ui, Command::Tag));
        if field.on_hover_text(about).lost_focus() {
            let tags = tags_of(&self.data.tags.text);
            self.data.tags.text = tags_text(&tags);
            self.review(Change::Tag(tags));
        }
    }
}

/// The words for a command, with its keys.
fn keys(ui: &Ui, command: Command) -> String {
    let keys = command.shortcut().map(|keys| ui.ctx().format_shortcut(&keys));
    format!("{}: {}", command.title(), keys.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_words_between_blanks_and_commas() {
        let tags = tags_of(" too,long  odd,\tlong ");
        assert_eq!(tags_text(&tags), "long odd too");
        assert!(tags_of(" , ").is_empty());
    }

    #[test]
    fn a_review_is_told_in_signs_and_in_words() {
        let review = Review {
            verdict: Some(Verdict::Discarded),
            rating: Some(2),
            tags: tags_of("odd short"),
        };
        assert_eq!(signs(&review), "✖ ★★");
        assert_eq!(words(&review), "discarded, rated 2 of 5, tags: odd short");
        assert_eq!((signs(&Review::default()), words(&Review::default())), Default::default());
    }
}
