//! Export: one dialog for records and figures.

use super::data::counted;
use super::destination::Destination;
use crate::app::View;
use crate::app::files::File;
use crate::app::jobs::Ask;
use crate::app::picker::Purpose;
use crate::app::ui::{modal, name_field, swatch_ui};
use crate::app::window::{Window, typed_path};
use crate::data::filter::Filter;
use crate::export::{Arm, Format, Split};
use crate::figure::{Figure, Mark, Panel};
use crate::report::CoherenceForm;
use crate::workbench::{
    ComparePage, DPI, ExportJob, FigureJob, FigureSource, FilterWish, Inputs, Place,
};
use egui::{DragValue, RichText, Ui};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the dialog remembers while it is open.
pub struct Dialog {
    /// A figure rather than records.
    is_figure: bool,
    /// Where to.
    pub to: Destination,
    format: Format,
    /// Only the records that the Data view shows.
    only_found: bool,
    /// What was said of the records that are written.
    said: Said,
    without_contexts: bool,
    splits: bool,
    validation_percent: u32,
    picture: Picture,
    dpi: f64,
    width_in: f64,
}

/// Which records are written, by what the person said of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    NotDiscarded,
    Accepted,
    Anything,
}

/// What a figure is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Picture {
    Svg,
    Pdf,
    Png,
}

impl Picture {
    const ALL: [Self; 3] = [Self::Svg, Self::Pdf, Self::Png];

    fn title(self) -> &'static str {
        match self {
            Self::Svg => "SVG, to be scaled and edited",
            Self::Pdf => "PDF, for LaTeX and print; its fonts come along",
            Self::Png => "PNG",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Pdf => "pdf",
            Self::Png => "png",
        }
    }
}

/// How a format is told to people.
fn title(format: Format) -> (&'static str, &'static str) {
    match format {
        Format::Jsonl => ("Backstory JSONL", "Everything about each record, one a line"),
        Format::Messages => (
            "messages JSONL",
            "Chats to train on: the task's prompt with context and instruction, and the answer",
        ),
        Format::ShareGpt => ("ShareGPT JSONL", "The same chats as conversations"),
        Format::Alpaca => ("Alpaca JSONL", "The same as instruction, input and output"),
        Format::LongAlign => ("LongAlign JSONL", "Messages with the length that it packs by"),
        Format::Parquet => ("Parquet", "Our fields as columns, packed with zstd"),
        Format::Csv => ("CSV", "Our fields as cells; lists stand in them as JSON"),
    }
}

impl Window {
    /// Opens the dialog.
    pub(in crate::app) fn open_export(&mut self, is_figure: bool) {
        if is_figure && !self.has_own_figure() {
            self.show(View::Compare);
        }
        let showing = match self.figure_page() {
            _ if self.view == View::Scores => self.scores.figure_name(),
            _ if self.view == View::Needle => "needle.svg",
            _ if self.view == View::Gap => "gap.svg",
            ComparePage::Coherence => match self.settings.compare.coherence {
                CoherenceForm::Bars => "coherence.svg",
                CoherenceForm::Auc => "coherence_auc.svg",
                CoherenceForm::Scatter => "coherence_scatter.svg",
                CoherenceForm::Length => "coherence_length.svg",
                CoherenceForm::Rank => "coherence_rank.svg",
            },
            _ => "lengths.svg",
        };
        let name = if is_figure { showing } else { "records.jsonl" };
        self.export = Some(Dialog {
            is_figure,
            to: self.destination(name),
            format: Format::Jsonl,
            only_found: true,
            said: Said::NotDiscarded,
            without_contexts: false,
            splits: false,
            validation_percent: 10,
            picture: Picture::Svg,
            dpi: DPI,
            width_in: WIDTH_IN,
        });
    }

    /// Draws the dialog, if it is open.
    pub(in crate::app) fn export_ui(&mut self, ui: &mut Ui) {
        let Some(mut dialog) = self.export.take() else { return };
        let shown = modal(ui, egui::Id::unique("export")).show(ui.ctx(), |ui| {
            ui.set_width(520.0);
            ui.heading(if dialog.is_figure { "Export figure" } else { "Export records" });
            ui.add_space(6.0);
            if dialog.is_figure {
                self.figure_form_ui(ui, &mut dialog);
            } else {
                self.records_form_ui(ui, &mut dialog);
            }
            ui.add_space(6.0);
            let words = ("File to export to", Purpose::ExportOut, "Export");
            self.destination_ui(ui, &mut dialog.to, words)
        });
        let clicked = shown.inner;
        let ask = clicked.writes.then(|| self.export_ask(&dialog));
        self.write_or_cancel(&mut dialog.to, ask, clicked.cancels);
        // A file dialog in front of this one takes the Escape key for itself.
        let leaves = clicked.cancels || (shown.should_close() && !self.picker.is_open());
        self.export = Some(dialog).filter(|_| !leaves);
    }

    fn records_form_ui(&mut self, ui: &mut Ui, dialog: &mut Dialog) {
        ui.label("Records of");
        let mut switched = None;
        for file in &self.files.all {
            let mut shown = file.shown;
            ui.horizontal(|ui| {
                let check = ui.checkbox(&mut shown, "");
                name_field(&check, &format!("Export {}", file.name()));
                file.strategies().iter().for_each(|id| swatch_ui(ui, id));
                ui.label(file.name());
                ui.label(RichText::new(counted(file.report.records, "record")).weak());
                if check.changed() {
                    switched = Some((file.key, shown));
                }
            });
        }
        if let Some((key, shown)) = switched {
            self.files.set_shown(key, shown);
        }
        if self.filters() {
            let n = self.data.found.as_ref().map_or(0, Vec::len);
            ui.checkbox(
                &mut dialog.only_found,
                format!("Only the {n} records that Data shows now"),
            );
        }
        if !self.reviewing.reviews.is_empty() {
            ui.horizontal(|ui| {
                ui.label("Reviewed");
                let combo = egui::ComboBox::from_id_salt("said").selected_text(dialog.said.title());
                let combo = combo.width(200.0).show_ui(ui, |ui| {
                    for said in Said::ALL {
                        ui.selectable_value(&mut dialog.said, said, said.title());
                    }
                });
                name_field(&combo.response, "Reviewed");
            });
        }
        ui.add_space(6.0);
        ui.label("As");
        let before = dialog.format;
        let (name, about) = title(before);
        let combo = egui::ComboBox::from_id_salt("format").selected_text(name).width(200.0);
        let combo = combo.show_ui(ui, |ui| {
            for format in Format::ALL {
                let (name, about) = title(format);
                ui.selectable_value(&mut dialog.format, format, name).on_hover_text(about);
            }
        });
        name_field(&combo.response, "Format");
        ui.label(RichText::new(about).weak().small());
        if dialog.format.extension() != before.extension() {
            dialog.to.set_extension(dialog.format.extension());
        }
        ui.add_space(6.0);
        ui.checkbox(&mut dialog.without_contexts, "Without contexts").on_hover_text(
            "The other arm of the tuning gap: of each prompt the part with the document is taken out",
        );
        ui.horizontal(|ui| {
            ui.checkbox(&mut dialog.splits, "Keep for validation");
            let drag = DragValue::new(&mut dialog.validation_percent).range(1..=90).suffix(" %");
            let drag = ui.add_enabled(dialog.splits, drag);
            name_field(&drag, "Percent of the seeds kept for validation");
            ui.label(RichText::new("of the seeds, in a second file").weak().small());
        });
        ui.label(
            RichText::new(
                "A card, and for chats LLaMA-Factory's dataset_info.json, stand beside it.",
            )
            .weak()
            .small(),
        );
    }

    fn figure_form_ui(&mut self, ui: &mut Ui, dialog: &mut Dialog) {
        match self.shown_figure() {
            Some(figure) => {
                ui.label(format!("{}, as {} shows it", figure.title, self.view.title()))
            }
            None => ui.spinner(),
        };
        ui.add_space(6.0);
        let before = dialog.picture;
        for picture in Picture::ALL {
            ui.radio_value(&mut dialog.picture, picture, picture.title());
        }
        if dialog.picture != before {
            dialog.to.set_extension(dialog.picture.extension());
        }
        ui.horizontal(|ui| {
            ui.label("Width");
            let drag = ui.add(
                DragValue::new(&mut dialog.width_in)
                    .range(2.0..=20.0)
                    .speed(0.05)
                    .fixed_decimals(1)
                    .suffix(" in"),
            );
            name_field(&drag, "Width in inches");
            for (name, width) in [("one column", 3.3), ("text width", WIDTH_IN)] {
                if ui.button(name).on_hover_text(format!("{width} in")).clicked() {
                    dialog.width_in = width;
                }
            }
            if dialog.picture == Picture::Png {
                let drag =
                    ui.add(DragValue::new(&mut dialog.dpi).range(50.0..=1200.0).suffix(" dpi"));
                name_field(&drag, "Dots per inch");
            }
        });
        ui.label(RichText::new("Black on white, in 8 pt; the spec that draws it again is written beside it as JSON.").weak().small());
    }

    fn export_ask(&self, dialog: &Dialog) -> Result<Ask, String> {
        let mut out = typed_path(&dialog.to.path).ok_or("Say where to write.")?;
        let replace = dialog.to.replace;
        if dialog.is_figure {
            let figure = self.shown_figure().ok_or("The figure is not drawn yet.")?;
            check_is_drawn(&figure)?;
            let extension = dialog.picture.extension();
            if out.extension().is_none_or(|e| !e.eq_ignore_ascii_case(extension)) {
                out.as_mut_os_string().push(format!(".{extension}"));
            }
            let figure = Box::new(self.figure_source(figure));
            let (width_in, dpi) = (dialog.width_in, dialog.dpi);
            return Ok(Ask::SaveFigure { figure, width_in, out, dpi, replace });
        }
        if out.extension().is_none() {
            out.set_extension(dialog.format.extension());
        }
        let shown: Vec<&File> = self.files.shown().collect();
        if shown.is_empty() {
            return Err("No file is ticked.".into());
        }
        let only = if dialog.only_found && self.filters() {
            if self.jobs.has_open(|ask| matches!(ask, Ask::Find(_))) {
                return Err("The search is still running: try again when it has ended.".into());
            }
            let place =
                |(key, ix): &Place| Some((shown.iter().position(|file| file.key == *key)?, *ix));
            let found = self.data.found.iter().flatten();
            Some(Arc::new(found.filter_map(place).collect::<BTreeSet<(usize, usize)>>()))
        } else {
            None
        };
        let loaded = shown.iter().map(|file| file.dataset.clone()).collect();
        let filter = self.said_filter(dialog.said);
        let inputs = Inputs { loaded, filter, ..Inputs::default() };
        let share = f64::from(dialog.validation_percent) / 100.0;
        Ok(Ask::Export(Box::new(ExportJob {
            inputs,
            only,
            rows: self.files.rows.iter().map(|rows| rows.rows.clone()).collect(),
            rows_files: Vec::new(),
            format: dialog.format,
            arm: if dialog.without_contexts { Arm::WithoutContext } else { Arm::WithContext },
            prompts: None,
            tokenizer: self.tokenizer().filter(|_| dialog.format == Format::LongAlign),
            split: dialog.splits.then_some(Split { share, seed: SPLIT_SEED }),
            out,
            replace,
        })))
    }
}

impl Said {
    const ALL: [Self; 3] = [Self::NotDiscarded, Self::Accepted, Self::Anything];

    fn title(self) -> &'static str {
        match self {
            Self::NotDiscarded => "Leave out discarded ones",
            Self::Accepted => "Only accepted ones",
            Self::Anything => "All, discarded ones too",
        }
    }

    /// The expression that holds of the wanted records.
    fn filter(self) -> Option<&'static str> {
        match self {
            Self::NotDiscarded => Some("!discarded"),
            Self::Accepted => Some("accepted"),
            Self::Anything => None,
        }
    }
}

impl Window {
    /// What must hold of records that are written; `None`: nothing.
    fn said_filter(&self, said: Said) -> Option<Box<FilterWish>> {
        let reviews = Some(self.reviewing.reviews.clone()).filter(|reviews| !reviews.is_empty())?;
        let filter = Filter::parse(said.filter()?).ok()?;
        let (rows, tokenizer, reviews) = (Vec::new(), None, Some(reviews));
        Some(Box::new(FilterWish { filter, rows, tokenizer, reviews }))
    }
}

/// An error for a figure of nothing.
fn check_is_drawn(figure: &Figure) -> Result<(), String> {
    // A rule is there before any value.
    let has_marks =
        |panel: &Panel| panel.marks.iter().any(|mark| !matches!(mark, Mark::Rule { .. }));
    match figure.panels.iter().any(has_marks) {
        true => Ok(()),
        false => Err("The figure is empty: open files, or measure them, first.".into()),
    }
}

impl Window {
    /// Puts the figure that Compare shows on the clipboard, as the export would write it.
    pub(in crate::app) fn copy_figure(&mut self) {
        let figure = self.shown_figure().ok_or("The figure is not drawn yet.".to_owned());
        match figure.and_then(|figure| check_is_drawn(&figure).map(|()| figure)) {
            Ok(figure) => {
                let figure = Box::new(self.figure_source(figure));
                self.start(Ask::CopyFigure { figure, width_in: WIDTH_IN });
            }
            Err(why) => self.complain(why),
        }
    }

    /// Whether the view that is shown has another figure than Compare's.
    fn has_own_figure(&self) -> bool {
        matches!(self.view, View::Scores | View::Needle | View::Gap)
    }

    /// The shown figure as a file has it: of many points the window draws only some.
    fn figure_source(&self, figure: Arc<Figure>) -> FigureSource {
        let is_coherence = !self.has_own_figure() && self.figure_page() == ComparePage::Coherence;
        if !is_coherence || !self.compare.is_thinned() {
            return FigureSource::Drawn(figure);
        }
        let form = self.settings.compare.coherence;
        let whole = FigureJob::Coherence { open: self.open_rows(), form, thinned: false };
        match self.select_job() {
            Some(select) => FigureSource::Selected(whole, Box::new(select)),
            None => FigureSource::Draw(whole),
        }
    }
}

/// Seed of which seeds are kept for validation; the default of the command line.
const SPLIT_SEED: u64 = 42;

/// How wide a figure is where the person does not say: the text of a page.
const WIDTH_IN: f64 = 6.8;
