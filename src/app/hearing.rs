//! From what the workers report to what the window shows.

use super::files::{File, file_name};
use super::jobs::{Ask, State};
use super::views::data::counted;
use super::window::Window;
use crate::workbench::{Failure, JobId, OpenFile, Opened, Product, Report};
use std::path::PathBuf;
use std::sync::Arc;

impl Window {
    /// Takes in everything that there is to hear.
    pub(super) fn hear_reports(&mut self) {
        while let Some(report) = self.runner.poll() {
            match report {
                Report::Started(id) => {
                    if let Some(entry) = self.jobs.get_mut(id) {
                        entry.state = State::Running;
                    }
                }
                Report::Model(id, loaded) => {
                    if let Some(entry) = self.jobs.get_mut(id) {
                        entry.meter = Some(loaded.meter.clone());
                    }
                    self.loaded = Some(*loaded);
                }
                Report::Synth(id, event) => {
                    let entry = self.jobs.get_mut(id);
                    if let Some(live) = entry.and_then(|entry| entry.live.as_mut()) {
                        live.hear(event);
                    }
                }
                Report::Ended(id, ended) => self.hear_end(id, ended),
            }
        }
    }

    fn hear_end(&mut self, id: JobId, ended: Result<Box<Product>, Failure>) {
        let Some(entry) = self.jobs.get_mut(id) else { return };
        entry.took_secs = Some(entry.asked.elapsed().as_secs_f64());
        let ask = entry.ask.clone();
        // What was cancelled too late is not wanted any more, unless it is work that is done.
        let unwanted = ask.is_newest_only() && entry.watch.is_cancelled();
        let is_unmapped = matches!(ended, Err(Failure::Unmapped(_)));
        let state = match ended {
            Ok(_) if unwanted => State::Cancelled,
            Ok(product) => State::Done(self.take(id, &ask, *product)),
            Err(Failure::Cancelled) => State::Cancelled,
            Err(Failure::Failed(why) | Failure::Unmapped(why)) => State::Failed(why),
        };
        if let Some(entry) = self.jobs.get_mut(id) {
            entry.state = state.clone();
            // A list of jobs must not hold the records of files that were closed.
            if matches!(state, State::Done(_)) && entry.live.is_none() {
                entry.ask = Ask::Nothing;
            }
        }
        match (&ask, &state) {
            // What is what in it is for the person to say; of joined files the message says more.
            (Ask::Open(file), State::Failed(why)) if is_unmapped && file.join.is_none() => {
                self.makes_room = false;
                self.files.close_begin(&file.path);
                self.ask_columns(id, file, why);
            }
            _ => self.follow_up(id, &ask, &state),
        }
    }

    /// Takes a product in, and says in words what came out.
    fn take(&mut self, id: JobId, ask: &Ask, product: Product) -> String {
        match (ask, product) {
            (_, Product::Opened(Opened::Results { path, name, results })) => {
                self.take_results(id, path, name, results)
            }
            (Ask::Open(origin), Product::Opened(opened)) => self.take_opened(id, origin, opened),
            (Ask::FirstRows(origin), Product::FirstRows(first)) => {
                let is_it = |ask: &Ask| matches!(ask, Ask::Open(file) if file == origin);
                if let Some(opened) = first.filter(|_| self.jobs.has_open(is_it)) {
                    self.files.take_begin(origin.clone(), opened, id.0);
                }
                String::new()
            }
            (Ask::Example, Product::Example(files)) => {
                for path in &files {
                    self.open_file(path.clone());
                }
                self.start(Ask::OpenStudy(self.home.join("example").join("gap")));
                format!("{} files", files.len())
            }
            (Ask::Describe(model), Product::Described(card)) => {
                let said = format!("{}, {}", card.info.architecture, card.info.quantization);
                self.card = Some((model.clone(), Ok(card)));
                said
            }
            (Ask::Fetch(_), Product::Fetched(path)) => {
                self.start(Ask::Models);
                self.start(Ask::Describe(self.settings.model.clone()));
                format!("in {}", path.display())
            }
            (Ask::Lengths { dataset, tokenizer }, Product::Lengths(report)) => {
                let same = |file: &&mut File| Arc::ptr_eq(&file.dataset, dataset);
                if let Some(file) = self.files.all.iter_mut().find(same) {
                    file.lengths = Some((tokenizer.clone(), Arc::new(report.lengths)));
                    self.files.n_measured += 1;
                }
                String::new()
            }
            (Ask::Synth(ask), Product::Synth(report)) => {
                let mut said = format!("{} made, {} rejected", report.made, report.rejected);
                if report.resumed > 0 {
                    said.push_str(&format!(", {} from an earlier run", report.resumed));
                }
                if report.rejected > 0 {
                    let rejected = ask.out.with_extension("rejected.jsonl");
                    said.push_str(&format!("; why, in {}", rejected.display()));
                }
                // A dataset without records is not there to be read.
                if report.made > 0 {
                    self.open_file(ask.out.clone());
                    said.push_str(&format!("; records in {}", ask.out.display()));
                }
                said
            }
            (Ask::Texts(id, _), Product::Texts(read)) => {
                self.take_texts(*id, *read);
                String::new()
            }
            (Ask::Tokens(id, job), Product::Tokens(ends)) => {
                self.take_tokens(*id, job, *ends);
                String::new()
            }
            (Ask::Gap(job), Product::Gap(report)) => self.gap.take_report(*report, job.out.clone()),
            (_, Product::Study(opened)) => {
                let said = format!("{} gaps", opened.study.rows.len());
                self.gap.take(*opened);
                said
            }
            (_, Product::NeedleMade(made)) => {
                self.settings.remember(&made.path);
                self.needle.made = Some(made.path.clone());
                self.open_file(made.path.clone());
                format!("{} in {}", counted(made.records, "record"), made.path.display())
            }
            (_, Product::NeedleAnswered(report)) => {
                self.settings.remember(&report.path);
                self.open_file(report.path.clone());
                format!("{} in {}", counted(report.answered, "test"), report.path.display())
            }
            (Ask::Coherence(ask), Product::Coherence(report)) => {
                let path = ask.out.clone().unwrap_or_default();
                let (n, rows) = (report.rows.len(), report.rows);
                let origin =
                    OpenFile { path: path.clone(), join: None, strategy: None, map: Vec::new() };
                self.files.take(origin, Opened::Rows { path, rows }, id.0);
                format!("{}, scored by {}", counted(n, "record"), report.summary.model)
            }
            (Ask::Check(job), Product::Checked(report)) => self.take_checked(job, *report),
            (Ask::Truncate(job), Product::Truncated(report)) => {
                let said = format!("counted with {}", report.tokenizer);
                self.prepare.cutoff.take(job, report);
                said
            }
            (_, Product::Extended(report)) => {
                // A dataset without records is not there to be read.
                if report.made + report.kept > 0 {
                    self.settings.remember(&report.path);
                    self.open_file(report.path.clone());
                }
                let said = format!(
                    "{} made longer, {} kept as they are, {} left out: {}",
                    report.made,
                    report.kept,
                    report.rejected,
                    report.path.display()
                );
                self.prepare.lengthen.take(*report);
                said
            }
            (_, product) => self.take_plain(ask, product),
        }
    }

    /// The products that tell all by themselves.
    fn take_plain(&mut self, ask: &Ask, product: Product) -> String {
        match product {
            Product::Models(models) => self.models = models,
            Product::Prompt(text) => self.synthesize.take_prompt(text),
            Product::Found(found) => {
                let is_search = matches!(ask, Ask::Find(job) if !job.search.is_empty());
                self.data.take_found(found, is_search);
            }
            Product::Stamps(stamps) => self.files.take_stamps(&stamps),
            Product::Reviews { reviews, n_damaged } => {
                self.reviewing.take(reviews);
                if n_damaged > 0 {
                    self.complain(format!(
                        "{} of the reviews could not be read and were left out; the rest is there",
                        counted(n_damaged, "line")
                    ));
                }
            }
            Product::Figure(drawn) => match ask {
                Ask::DrawLengths(_) => self.compare.take_lengths(drawn),
                _ => self.compare.take_coherence(drawn),
            },
            Product::Columns(read) => {
                if let Ask::Columns(job) = ask {
                    self.take_columns(job, *read);
                }
            }
            // They are in memory now, and the next picture shows them.
            Product::RecordsRead => {}
            Product::Board(made) => self.scores.take(*made),
            Product::Needles(drawn) => self.needle.take(*drawn),
            Product::Compared(report) => self.compare.statistics.take(*report),
            Product::Selected(selected) => self.compare.selection.take(selected),
            Product::Linked(links) => self.compare.take_links(links),
            Product::Seeds(seeds) => self.compare.same_seed.seeds = Some(seeds),
            Product::Picture(picture) => {
                self.compare.copied = Some(super::views::compare::image(&picture));
                self.tell("The figure is on the clipboard.");
            }
            Product::Exported(report) => {
                let exported = report.exported;
                self.settings.remember(&exported.path);
                let left_out = match exported.n_left_out {
                    0 => String::new(),
                    n => format!(", {n} left out"),
                };
                let kept = exported.validation.as_ref().map(|(path, n)| {
                    format!(", {} for validation in {}", counted(*n, "record"), path.display())
                });
                let path = exported.path.display();
                let n = counted(exported.n_written, "record");
                return format!("{n} in {path}{}{left_out}", kept.unwrap_or_default());
            }
            Product::Reported(made) => {
                return made.path.join("index.html").display().to_string();
            }
            Product::Saved(saved) => {
                let paths: Vec<String> =
                    saved.files.iter().map(|path| path.display().to_string()).collect();
                return paths.join(", ");
            }
            _ => {}
        }
        String::new()
    }

    fn take_opened(&mut self, id: JobId, origin: &OpenFile, opened: Opened) -> String {
        let said = match &opened {
            Opened::Rows { rows, .. } => format!("{} coherence rows", rows.len()),
            Opened::Results { .. } => String::new(),
            Opened::Folder(files) => {
                for path in files {
                    self.open_path(path.clone());
                }
                return counted(files.len(), "file");
            }
            Opened::Needles { rows, .. } => counted(rows.len(), "needle result"),
            Opened::Dataset { dataset, report, .. } => {
                let n_skipped = dataset.skipped.len();
                if let Some(first) = dataset.skipped.first() {
                    let name = file_name(&origin.path);
                    let more = match n_skipped {
                        1 => String::new(),
                        n => format!(" and {} more", n - 1),
                    };
                    self.complain(format!(
                        "{name}: line {}{more} could not be used: {}",
                        first.line, first.reason
                    ));
                }
                match n_skipped {
                    0 => counted(report.records, "record"),
                    n => {
                        let (records, lines) =
                            (counted(report.records, "record"), counted(n, "line"));
                        format!("{records}, {lines} skipped")
                    }
                }
            }
        };
        let example = self.home.join("example");
        if !origin.path.starts_with(&self.home) {
            self.settings.remember(&origin.path);
            let is_example = |file: &File| file.origin.path.starts_with(&example);
            if std::mem::take(&mut self.makes_room) && self.files.all.iter().all(is_example) {
                self.files.close_below(&example);
            }
        }
        // Contexts that were open by themselves are in the joined file now.
        if let Some(join) = &origin.join {
            let is_joined = |file: &&File| file.is_contexts_alone && file.origin.path == *join;
            if let Some(key) = self.files.all.iter().find(is_joined).map(|file| file.key) {
                self.files.close(key);
            }
        }
        self.looked = None;
        if !origin.map.is_empty() {
            self.settings.remember_map(&origin.path, &origin.map);
        }
        let is_new = self.files.all.iter().all(|file| file.origin.path != origin.path);
        self.files.take(origin.clone(), opened, id.0);
        let file = self.files.all.iter().find(|file| file.origin.path == origin.path);
        if let Some(key) = file.map(|file| file.key)
            && is_new
            && self.settings.hidden.contains(&origin.path)
        {
            self.files.set_shown(key, false);
        }
        said
    }

    /// What a job's end means for the person.
    fn follow_up(&mut self, id: JobId, ask: &Ask, state: &State) {
        let title = ask.title();
        self.export.take_if(|dialog| !dialog.to.stays_after(id, state));
        self.scores.after(id, state);
        let is_told = self.columns_after(id, ask, state);
        self.prepare.after(ask, state);
        match (ask, state) {
            // The file that the example project should have made room for is not there.
            (Ask::Open(file), State::Failed(_) | State::Cancelled) => {
                self.makes_room = false;
                self.files.close_begin(&file.path);
            }
            (Ask::ReadRecords(places), State::Failed(_)) => {
                self.files.give_up(places.iter().map(|place| place.0));
            }
            (Ask::Review(changes), State::Failed(_) | State::Cancelled) => {
                self.reviewing.keep_unsaved(changes);
            }
            (Ask::Describe(model), State::Failed(why)) => {
                self.card = Some((model.clone(), Err(why.clone())));
                return;
            }
            // Characters and words can be counted without the tokenizer that failed.
            (Ask::Lengths { dataset, tokenizer: Some(_) }, State::Failed(_)) => {
                let dataset = dataset.clone();
                self.start(Ask::Lengths { dataset, tokenizer: None });
            }
            (Ask::Synth(synth), State::Cancelled | State::Failed(_)) => {
                let live = self.jobs.get_mut(id).and_then(|entry| entry.live.as_ref());
                if live.is_some_and(|live| live.n_made > 0) {
                    self.open_file(synth.out.clone());
                }
            }
            // What was answered before is there to be looked at.
            (Ask::NeedleRun(job), State::Cancelled) => {
                let entry = self.jobs.get_mut(id);
                if entry.is_some_and(|entry| entry.watch.progress().n_done > 0) {
                    self.open_file(job.out.clone());
                }
            }
            // That there is nothing to compare is no failure; where the numbers would be, it says why.
            (Ask::Compare(job), State::Failed(why)) => {
                self.compare.statistics.refuse(job.wish.baseline.clone(), why.clone());
                return;
            }
            _ => {}
        }
        match state {
            // Where the dialog is, it says why.
            State::Failed(_) if is_told => {}
            State::Failed(why) => self.complain(format!("{title}: {why}")),
            State::Cancelled if !ask.is_quiet() => self.tell(format!("{title}: cancelled")),
            State::Done(said) if ask.is_work() => self.tell(format!("{title}: {said}")),
            _ => {}
        }
    }

    fn open_file(&mut self, path: PathBuf) {
        self.start(Ask::Open(OpenFile { path, join: None, strategy: None, map: Vec::new() }));
    }
}
