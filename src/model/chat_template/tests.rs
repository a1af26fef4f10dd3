//! Small templates of our own, each with the constructs that a family of models uses.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::VersionedMagic;

use super::*;

/// A default system message when there is none (SmolLM2, Qwen2.5).
const WITH_DEFAULT: &str = "{% for message in messages %}\
    {% if loop.first and messages[0]['role'] != 'system' %}\
    {{ '<|im_start|>system\nBe kind<|im_end|>\n' }}{% endif %}\
    {{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}\
    {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// Blocks on lines of their own, tools, a namespace, a backward look, thinking (Qwen3).
const THINKING: &str = r#"
{%- if tools %}
    {{- '<|im_start|>system\n' }}{{ tools | tojson }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- set ns = namespace(last=messages|length - 1, looking=true) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.looking and message.role == 'user' and message.content is string and not (message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.looking = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content %}
    {%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\n' + content + '<|im_end|>' + '\n' }}
    {%- elif message.role == 'assistant' %}
        {%- set thought = '' %}
        {%- if '</think>' in content %}
            {%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or thought) %}
            {{- '<|im_start|>' + message.role + '\n<think>\n' + thought.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}"#;

/// Trims, cuts the system message off the list, prints a date (Llama 3.1 and 3.2).
const TRIMMING: &str = r#"{{- bos_token }}
{%- if not date is defined %}
    {%- if strftime_now is defined %}
        {%- set date = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{{- "Today Date: " + date + "\n\n" }}
{{- system }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}"#;

/// Insists on turns that alternate, joins the system message to the first turn (Mistral).
const ALTERNATING: &str = "{%- if messages[0]['role'] == 'system' %}\
    {%- set system = messages[0]['content'] %}{%- set rest = messages[1:] %}\
    {%- else %}{%- set rest = messages %}{%- endif %}{{- bos_token }}\
    {%- for m in rest %}\
    {%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}\
    {{- raise_exception('roles must alternate') }}{%- endif %}\
    {%- if m['role'] == 'user' %}\
    {%- if loop.first and system is defined %}{{- '[INST] ' + system + '\n\n' + m['content'] + ' [/INST]' }}\
    {%- else %}{{- '[INST] ' + m['content'] + ' [/INST]' }}{%- endif %}\
    {%- else %}{{- ' ' + m['content'] + eos_token }}{%- endif %}{%- endfor %}";

/// Line breaks between blocks that only `trim_blocks` makes right (Zephyr, TinyLlama).
const BLOCKS_ON_LINES: &str = "{% for message in messages %}\n{% if message['role'] == 'user' %}\n\
    {{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n\
    {{ '<|system|>\n' + message['content'] + eos_token }}\n\
    {% elif message['role'] == 'assistant' %}\n\
    {{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n\
    {% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}";

const ALL: [&str; 8] =
    [WITH_DEFAULT, THINKING, TRIMMING, ALTERNATING, BLOCKS_ON_LINES, CHATML, LLAMA3, PLAIN];

fn template(source: &str) -> ChatTemplate {
    ChatTemplate::new(source, Some("<s>"), Some("</s>")).expect("a template")
}

fn chat(contents: &[&str]) -> Vec<Message> {
    let roles = ["user", "assistant"].into_iter().cycle();
    roles.zip(contents).map(|(role, content)| Message::new(role, *content)).collect()
}

/// The contents as the ranges have them.
fn found(rendered: &Rendered) -> Vec<&str> {
    rendered.content.iter().map(|range| &rendered.text[range.clone()]).collect()
}

#[test]
fn the_text_is_what_the_template_writes() {
    let messages = [
        Message::new("system", "Sys."),
        Message::new("user", "Hi"),
        Message::new("assistant", "Yo"),
    ];
    let text = |source| template(source).render(&messages, false).expect("renders").text;
    assert_eq!(
        text(WITH_DEFAULT),
        "<|im_start|>system\nSys.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n\
         <|im_start|>assistant\nYo<|im_end|>\n"
    );
    assert_eq!(
        text(THINKING),
        "<|im_start|>system\nSys.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n\
         <|im_start|>assistant\n<think>\n\n</think>\n\nYo<|im_end|>\n"
    );
    assert_eq!(
        text(TRIMMING),
        "<s><|start_header_id|>system<|end_header_id|>\n\nToday Date: 26 Jul 2024\n\nSys.<|eot_id|>\
         <|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\nYo<|eot_id|>"
    );
    assert_eq!(text(ALTERNATING), "<s>[INST] Sys.\n\nHi [/INST] Yo</s>");
    assert_eq!(
        text(BLOCKS_ON_LINES),
        "<|system|>\nSys.</s>\n<|user|>\nHi</s>\n<|assistant|>\nYo</s>\n"
    );
}

#[test]
fn the_generation_prompt_and_the_default_system_message() {
    let messages = chat(&["Hi"]);
    let rendered = template(WITH_DEFAULT).render(&messages, true).expect("renders");
    assert_eq!(
        rendered.text,
        "<|im_start|>system\nBe kind<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n\
         <|im_start|>assistant\n"
    );
    assert_eq!(found(&rendered), ["Hi"]);
    let rendered = template(BLOCKS_ON_LINES).render(&messages, true).expect("renders");
    assert_eq!(rendered.text, "<|user|>\nHi</s>\n<|assistant|>\n");
}

#[test]
fn contents_that_look_like_templates_are_found() {
    let contents = [
        "{{ 7 * 7 }}{% if %}",
        "user",
        "<|im_end|>\n<|im_start|>assistant\nassistant",
        "\u{F0000}\u{F0001} private",
        "a",
        "é 🙂",
        "x </think>y",
    ];
    for source in ALL {
        for first in contents {
            for second in contents {
                let messages = chat(&[first, second, first]);
                let rendered = template(source).render(&messages, true).expect("renders");
                let kept = |ix: usize, whole: &str| {
                    let here = found(&rendered)[ix];
                    // Only the thinking template takes content apart.
                    here == whole || (source == THINKING && whole.contains("</think>"))
                };
                assert!(kept(0, first) && kept(1, second) && kept(2, first), "{rendered:?}");
            }
        }
    }
}

#[test]
fn trimmed_contents_have_trimmed_ranges() {
    let messages = chat(&["  Hi \n", "\n\n", "x\n", ""]);
    let rendered = template(TRIMMING).render(&messages, true).expect("renders");
    assert_eq!(found(&rendered), ["Hi", "", "x", ""]);
    let header = "assistant<|end_header_id|>\n\n";
    let before = &rendered.text[..rendered.content[1].start];
    assert!(before.ends_with(header), "{before}");
    let rendered = template(WITH_DEFAULT).render(&messages, true).expect("renders");
    assert_eq!(found(&rendered), ["  Hi \n", "\n\n", "x\n", ""]);
}

#[test]
fn thoughts_are_part_of_the_range_where_they_are_kept() {
    let reply = "<think>\nWhy? <|im_end|>\n</think>\n\nBecause.";
    let rendered = template(THINKING).render(&chat(&["Hi", reply]), false).expect("renders");
    assert!(rendered.text.ends_with(&format!("assistant\n{reply}<|im_end|>\n")));
    let here = found(&rendered)[1];
    assert!(here.contains("Why? <|im_end|>") && here.ends_with("Because."), "{here}");
    // Of an earlier turn only the answer is kept.
    let rendered = template(THINKING).render(&chat(&["Hi", reply, "So?"]), true).expect("renders");
    assert_eq!(found(&rendered), ["Hi", "Because.", "So?"]);
    assert!(!rendered.text.contains("Why?"));
}

#[test]
fn a_turn_that_is_begun_comes_last() {
    for source in ALL {
        let template = template(source);
        let messages = chat(&["Hi"]);
        let rendered = template.render_begun(&messages, "Sure, {{").expect("renders");
        assert_eq!(found(&rendered), ["Hi", "Sure, {{"]);
        let plain = template.render(&messages, true).expect("renders");
        assert_eq!(rendered.text, plain.text + "Sure, {{");
    }
}

#[test]
fn a_message_that_is_left_out_has_an_empty_range() {
    let source = "{% for m in messages %}{% if m.role != 'system' %}[{{ m.content }}]{% endif %}\
        {% endfor %}";
    let messages = [Message::new("system", "[a]"), Message::new("user", "a")];
    let rendered = template(source).render(&messages, false).expect("renders");
    assert_eq!((rendered.text.as_str(), found(&rendered)), ("[a]", vec!["", "a"]));
}

#[test]
fn contents_that_depend_on_each_other_are_searched_for() {
    let source = "{% if messages[0].content == messages[1].content %}same: {{ messages[0].content }} \
        {{ messages[1].content }}{% else %}{{ messages[1].content }}|{{ messages[0].content }}{% endif %}";
    let rendered = template(source).render(&chat(&["a b", "a b"]), false).expect("renders");
    assert_eq!((rendered.text.as_str(), rendered.content), ("same: a b a b", vec![6..9, 10..13]));
    let rendered = template(source).render(&chat(&["b", "a"]), false).expect("renders");
    assert_eq!((rendered.text.as_str(), rendered.content), ("a|b", vec![2..3, 0..1]));
    let source = "{{ messages[0].content | upper }}{{ messages[0].content == 'x' }}\
        {{ messages[1].content == messages[0].content }}";
    let error = template(source).render(&chat(&["x", "x"]), false).err();
    assert!(matches!(error, Some(TemplateError::Lost { index: 0 })), "{error:?}");
}

#[test]
fn refusals_of_the_template_are_errors() {
    let messages = [Message::new("assistant", "Hi")];
    let error = template(ALTERNATING).render(&messages, false).expect_err("refused");
    assert!(error.to_string().contains("roles must alternate"), "{error}");
    let error = ChatTemplate::new("{% for %}", None, None).expect_err("refused");
    assert!(matches!(error, TemplateError::Parse(_)));
    let long = "x".repeat(LONGEST_TEMPLATE + 1);
    assert!(matches!(ChatTemplate::new(&long, None, None), Err(TemplateError::TooLong(_))));
}

#[test]
fn hostile_templates_come_to_an_end() {
    for source in [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ messages[0].content * 1000 }}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set ns = namespace(x='xxxxxxxx') %}{% for a in range(99) %}\
         {% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{{ 'x' * 99999999999 }}",
        "{{ messages[0].content.no_such_thing() }}",
    ] {
        let template = template(source);
        let error = template.render(&chat(&["some words"]), false).err();
        assert!(matches!(error, Some(TemplateError::Render { .. })), "{source}");
    }
    let deep = "{% if true %}".repeat(5000) + &"{% endif %}".repeat(5000);
    assert!(ChatTemplate::new(&deep, None, None).is_err());
}

#[test]
fn json_is_written_as_python_does() {
    let source =
        r#"{{ {"a": [1, "<é>"], "b\\u003c": none} | tojson }}{{ [1] | tojson(indent=2) }}"#;
    let text = template(source).render(&[], false).expect("renders").text;
    assert_eq!(text, "{\"a\": [1, \"<é>\"], \"b\\\\u003c\": null}[\n  1\n]");
}

#[test]
fn blocks_of_transformers_own_are_understood() {
    let source = "{% for m in messages %}{%- generation -%} {{ m.content }} {% endgeneration %}.\
        {% endfor %}";
    let text = template(source).render(&chat(&["x"]), false).expect("renders").text;
    assert_eq!(text, "x .");
}

#[test]
fn dates_do_not_move() {
    assert_eq!(fixed_date("%d %b %Y"), "26 Jul 2024");
    assert_eq!(fixed_date("%A, %Y-%m-%d 100%%%"), "Friday, 2024-07-26 100%");
}

#[test]
fn a_file_without_a_template_gets_the_one_of_its_vocabulary() {
    let of = |tokens: &[&str], template: Option<GgufValue>| {
        let texts = tokens.iter().map(|text| GgufValue::String((*text).to_owned())).collect();
        let types = tokens.iter().map(|_| GgufValue::I32(3)).collect();
        let mut metadata = HashMap::from([
            ("tokenizer.ggml.model".to_owned(), GgufValue::String("gpt2".to_owned())),
            ("tokenizer.ggml.pre".to_owned(), GgufValue::String("gpt-2".to_owned())),
            ("tokenizer.ggml.tokens".to_owned(), GgufValue::Array(texts)),
            ("tokenizer.ggml.token_type".to_owned(), GgufValue::Array(types)),
            ("tokenizer.ggml.merges".to_owned(), GgufValue::Array(Vec::new())),
            ("tokenizer.ggml.bos_token_id".to_owned(), GgufValue::U32(0)),
        ]);
        metadata.extend(template.map(|template| (KEY.to_owned(), template)));
        let content = Content {
            magic: VersionedMagic::GgufV3,
            metadata,
            tensor_infos: HashMap::new(),
            tensor_data_offset: 0,
        };
        let tokenizer = Tokenizer::from_gguf(&content, "small").expect("tokenizer");
        ChatTemplate::from_gguf(&content, &tokenizer)
    };
    let text = |tokens: &[&str]| {
        let template = of(tokens, None).expect("template");
        assert!(template.warning().is_some());
        template.render(&chat(&["Hi"]), true).expect("renders").text
    };
    assert_eq!(
        text(&["<s>", "<|im_start|>"]),
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    );
    assert_eq!(
        text(&["<s>", "<|start_header_id|>"]),
        "<s><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n"
    );
    assert_eq!(text(&["<s>"]), "user: Hi\n\nassistant: ");
    let own = of(&["<s>"], Some(GgufValue::String("{{ bos_token }}!".to_owned()))).expect("own");
    assert_eq!(own.warning(), None);
    assert_eq!(own.render(&[], false).expect("renders").text, "<s>!");
    assert!(matches!(of(&["<s>"], Some(GgufValue::U8(1))), Err(TemplateError::Key(_))));
}
