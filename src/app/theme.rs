//! Fonts, colours and spacing of the window, dark and light.

use crate::data::StrategyId;
use crate::figure::{Style, fonts};
use crate::report;
use egui::{
    Color32, FontData, FontDefinitions, FontFamily, FontId, Stroke, TextStyle, Theme,
    ThemePreference, Visuals,
};
use std::sync::Arc;

/// The theme that a setting means.
pub fn preference(name: &str) -> ThemePreference {
    match name {
        "dark" => ThemePreference::Dark,
        "light" => ThemePreference::Light,
        _ => ThemePreference::System,
    }
}

/// Sets fonts and styles.
pub fn apply(ctx: &egui::Context) {
    ctx.set_fonts(font_definitions());
    ctx.options_mut(|options| {
        // Both are commands of ours, with their places in menus and palette.
        options.zoom_with_keyboard = false;
        options.quit_shortcuts.clear();
    });
    for (theme, style) in [(Theme::Dark, Style::ScreenDark), (Theme::Light, Style::ScreenLight)] {
        ctx.set_visuals_of(theme, visuals(theme, style));
        ctx.style_mut_of(theme, |style| {
            style.text_styles.insert(TextStyle::Small, FontId::proportional(11.0));
            style.spacing.item_spacing = egui::vec2(8.0, 6.0);
            style.spacing.button_padding = egui::vec2(8.0, 3.0);
            style.spacing.interact_size.y = 22.0;
            style.spacing.scroll = egui::style::ScrollStyle::solid();
            style.interaction.selectable_labels = false;
            style.animation_time = 0.08;
        });
    }
}

/// egui's faces, and behind them ours: what a record holds is shown, whatever its language.
fn font_definitions() -> FontDefinitions {
    let mut all = FontDefinitions::default();
    for (name, bytes) in [("sans", fonts::SANS), ("cjk", fonts::CJK)] {
        all.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
        for family in [FontFamily::Proportional, FontFamily::Monospace] {
            all.families.entry(family).or_default().push(name.to_owned());
        }
    }
    let bold = FontData::from_static(fonts::SANS_BOLD);
    all.font_data.insert("sans bold".to_owned(), Arc::new(bold));
    let mut faces = vec!["sans bold".to_owned()];
    faces.extend(all.families.get(&FontFamily::Proportional).into_iter().flatten().cloned());
    all.families.insert(bold_family(), faces);
    all
}

/// Words that stand out by their weight, where a colour would say something else.
pub fn bold_family() -> FontFamily {
    FontFamily::Name("bold".into())
}

fn visuals(theme: Theme, style: Style) -> Visuals {
    let mut visuals = theme.default_visuals();
    let rgb = |[r, g, b]: [u8; 3]| Color32::from_rgb(r, g, b);
    let page = rgb(style.background());
    visuals.panel_fill = page;
    visuals.override_text_color = None;
    let (weak, accent, line, faint) = match theme {
        Theme::Dark => ([158, 160, 168], [0x2F, 0x8F, 0xD0], [52, 54, 60], [34, 35, 40]),
        Theme::Light => ([92, 94, 102], [0x00, 0x5A, 0x92], [214, 215, 220], [242, 243, 246]),
    };
    visuals.weak_text_color = Some(rgb(weak));
    visuals.hyperlink_color = rgb(accent);
    visuals.faint_bg_color = rgb(faint);
    visuals.window_fill = if theme == Theme::Dark { rgb([36, 37, 42]) } else { Color32::WHITE };
    visuals.extreme_bg_color =
        if theme == Theme::Dark { rgb([17, 18, 20]) } else { Color32::WHITE };
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, rgb(line));
    visuals.widgets.noninteractive.fg_stroke.color = rgb(style.ink());
    visuals.widgets.inactive.bg_stroke = Stroke::new(1.0, rgb(line));
    visuals.widgets.inactive.fg_stroke.color = rgb(style.ink());
    visuals.selection.bg_fill =
        rgb(accent).gamma_multiply(if theme == Theme::Dark { 0.55 } else { 0.25 });
    visuals.selection.stroke =
        Stroke::new(1.0, if theme == Theme::Dark { Color32::WHITE } else { rgb([0, 40, 70]) });
    visuals
}

/// The colour of a strategy on the page of the current theme; the same as in every figure.
pub fn strategy_color(ui: &egui::Ui, id: &StrategyId) -> Color32 {
    let style = if ui.visuals().dark_mode { Style::ScreenDark } else { Style::ScreenLight };
    let [r, g, b] = style.visible(report::strategy_color(id));
    Color32::from_rgb(r, g, b)
}

/// What failed is told in this colour, and always in words too.
pub fn error_color(ui: &egui::Ui) -> Color32 {
    if ui.visuals().dark_mode {
        Color32::from_rgb(255, 120, 100)
    } else {
        Color32::from_rgb(178, 34, 16)
    }
}

/// What needs a look is told in this colour, and always in words too.
pub fn warning_color(ui: &egui::Ui) -> Color32 {
    if ui.visuals().dark_mode {
        Color32::from_rgb(240, 190, 80)
    } else {
        Color32::from_rgb(140, 90, 0)
    }
}

/// What went well is told in this colour, and always in words too.
pub fn success_color(ui: &egui::Ui) -> Color32 {
    if ui.visuals().dark_mode {
        Color32::from_rgb(90, 200, 140)
    } else {
        Color32::from_rgb(0, 110, 70)
    }
}
