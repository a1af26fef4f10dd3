//! The model on the CPU against an exact reference, against another program, and against itself.

use backstory::job::Watch;
use backstory::model::{
    CandleModel, CandleOptions, Feed, GenerateRequest, LanguageModel, Precision, Reply, Sampling,
    ScoreRequest,
};
use backstory::seed::Stream;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The default model's file, or a word that the test is left out.
pub fn model_path() -> Option<PathBuf> {
    let path = std::env::var_os("BACKSTORY_TEST_MODEL").map(PathBuf::from);
    let path = path.filter(|path| path.is_file());
    if path.is_none() {
        println!("SKIPPED: BACKSTORY_TEST_MODEL names no model");
    }
    path
}

fn load(precision: Precision) -> Option<CandleModel> {
    let options = CandleOptions { precision, free_bytes: None };
    Some(CandleModel::load(&model_path()?, options, &Watch::default()).unwrap())
}

pub fn golden(text: &'static str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub fn numbers<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    value.as_array().unwrap().iter().map(|x| read(x).unwrap()).collect()
}

pub fn ids(value: &Value) -> Vec<u32> {
    numbers(value, |x| x.as_u64().and_then(|id| u32::try_from(id).ok()))
}

fn score_all(model: &mut CandleModel, tokens: &[u32]) -> Vec<f32> {
    let request = ScoreRequest { tokens: tokens.to_vec(), scored: vec![1..tokens.len()] };
    model.score(&[request], &Watch::default()).unwrap().remove(0).logprobs
}

/// `golden/smollm2_135m_exact.json` was computed in double precision by a script of 30 lines that
/// follows the model's formulas over the dequantized weights; `golden/smollm2_135m_q4_1.json` by
/// llama.cpp, whose products quantize their input.
#[test]
fn log_probabilities_equal_the_exact_ones_and_are_near_another_programs() {
    let exact = golden(include_str!("golden/smollm2_135m_exact.json"));
    let other = golden(include_str!("golden/smollm2_135m_q4_1.json"));
    for precision in [Precision::Fast, Precision::Dense] {
        let Some(mut model) = load(precision) else { return };
        for text in other.as_array().unwrap() {
            let name = text["name"].as_str().unwrap();
            let tokens = model.tokenizer().encode_marked(text["text"].as_str().unwrap()).unwrap();
            let tokens: Vec<u32> = tokens.into_iter().map(|token| token.id).collect();
            assert_eq!(tokens, ids(&text["token_ids"]), "{name}");
            let found = score_all(&mut model, &tokens);
            for (ours, exact) in found.iter().zip(numbers(&exact[name], Value::as_f64)) {
                assert!((f64::from(*ours) - exact).abs() < 2e-4, "{name}: {ours} for {exact}");
            }
            let nll = -found.iter().map(|x| f64::from(*x)).sum::<f64>() / found.len() as f64;
            let theirs = text["mean_nll"].as_f64().unwrap();
            assert!((nll - theirs).abs() < 0.02, "{name}: {nll} for {theirs}");
        }
    }
}

#[test]
fn shared_prefixes_change_nothing_but_the_work() {
    let Some(mut model) = load(Precision::Fast) else { return };
    let mut stream = Stream::new(1, "model", "prefixes");
    let mut draw = |n: usize| (0..n).map(|_| stream.below(40_000) as u32 + 20).collect::<Vec<_>>();
    let (context, other, a, b) = (draw(700), draw(40), draw(9), draw(13));
    let join = |parts: &[&[u32]]| parts.concat();
    let request = |tokens: Vec<u32>, n: usize| ScoreRequest {
        scored: vec![tokens.len() - n..tokens.len() - n / 2, tokens.len() - n / 2..tokens.len()],
        tokens,
    };
    let requests = [
        request(join(&[&context, &a]), 6),
        request(join(&[&other, &b]), 8),
        request(join(&[&context, &b]), 8),
        request(join(&[&context, &a, &b]), 8),
        request(join(&[&context, &a]), 2),
    ];
    let watch = Watch::default();
    let together = model.score(&requests, &watch).unwrap();
    assert_eq!(model.meter().work().reading.n_tokens, 700 + 8 + 12 + 40 + 12 + 13);
    for (request, together) in requests.iter().zip(&together) {
        let alone = model.score(std::slice::from_ref(request), &watch).unwrap().remove(0);
        for (x, y) in alone.logprobs.iter().zip(&together.logprobs) {
            assert!((x - y).abs() < 1e-3, "{x} alone, {y} together");
        }
        assert_eq!(alone.logprobs.len(), together.logprobs.len());
    }
}

/// Hands out prompts and keeps the replies.
pub struct Prompts {
    waiting: Vec<GenerateRequest>,
    pub replies: BTreeMap<usize, String>,
    pub streamed: BTreeMap<usize, String>,
    pub cancel_after: Option<(usize, Watch)>,
}

impl Prompts {
    pub fn new(waiting: Vec<GenerateRequest>) -> Self {
        let (replies, streamed) = (BTreeMap::new(), BTreeMap::new());
        Self { waiting, replies, streamed, cancel_after: None }
    }
}

impl Feed for Prompts {
    fn next(&mut self) -> Option<GenerateRequest> {
        self.waiting.pop()
    }

    fn piece(&mut self, id: usize, text: &str, _: usize) {
        self.streamed.entry(id).or_default().push_str(text);
        if let Some((left, watch)) = &mut self.cancel_after {
            *left -= 1;
            if *left == 0 {
                watch.cancel();
            }
        }
    }

    fn done(&mut self, id: usize, reply: Reply) -> Option<GenerateRequest> {
        self.replies.insert(id, reply.text);
        None
    }
}

pub fn prompts(model: &dyn LanguageModel) -> Prompts {
    let texts = ["The harbour froze", "Zoë asked: 东京", "Once", "In 1931 the mail boat"];
    let request = |(id, text): (usize, &&str)| GenerateRequest {
        id,
        prompt: model.tokenizer().encode(text).unwrap().iter().map(|token| token.id).collect(),
        sampling: Sampling { max_new_tokens: 20 + 7 * id, ..Sampling::default() },
        stream: Stream::new(3, &id.to_string(), "test"),
        stop: vec!["\n".into()],
        banned: Vec::new(),
    };
    Prompts::new(texts.iter().enumerate().map(request).collect())
}

#[test]
fn a_reply_is_the_same_alone_and_among_others_and_streams_whole() {
    let Some(mut model) = load(Precision::Fast) else { return };
    let mut run = |n_parallel: usize| {
        let mut prompts = prompts(&model);
        model.generate(&mut prompts, n_parallel, &Watch::default()).unwrap();
        assert_eq!(prompts.replies, prompts.streamed);
        prompts.replies
    };
    let alone = run(1);
    assert_eq!(alone.len(), 4);
    assert!(alone.values().all(|text| !text.contains('\n')));
    assert_eq!(alone, run(4));
    assert_eq!(alone, run(3));
}

#[test]
fn cancel_stops_in_the_middle_of_a_reply() {
    let Some(mut model) = load(Precision::Fast) else { return };
    let watch = Watch::default();
    let mut prompts = prompts(&model);
    prompts.cancel_after = Some((5, watch.clone()));
    let error = model.generate(&mut prompts, 2, &watch).unwrap_err();
    assert_eq!(error.to_string(), "cancelled");
    assert!(prompts.replies.len() < 4);
    let request = ScoreRequest { tokens: vec![1; 600], scored: vec![500..600] };
    assert!(model.score(&[request], &watch).is_err(), "a cancelled watch stops scoring too");
}

#[test]
fn a_model_that_does_not_fit_is_refused_before_it_is_read() {
    let Some(path) = model_path() else { return };
    let load = |mib: u64| {
        let options = CandleOptions { precision: Precision::Fast, free_bytes: Some(mib << 20) };
        CandleModel::load(&path, options, &Watch::default())
    };
    let refused = load(60).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("60 MiB are free") && refused.contains("smaller"), "{refused}");
    // Enough for the quantized weights alone: the same text, more slowly read.
    let mut small = load(300).unwrap();
    let mut large = load(4000).unwrap();
    let tokens: Vec<u32> = (0..40).map(|i| 100 + 37 * i).collect();
    let pairs = score_all(&mut small, &tokens).into_iter().zip(score_all(&mut large, &tokens));
    for (x, y) in pairs {
        assert!((x - y).abs() < 0.02, "{x} {y}");
    }
}

#[test]
fn too_long_and_senseless_requests_are_refused() {
    let Some(mut model) = load(Precision::Fast) else { return };
    let watch = Watch::default();
    let window = model.info().window;
    let long = ScoreRequest { tokens: vec![5; window + 1], scored: vec![1..window + 1] };
    let error = model.score(&[long], &watch).unwrap_err().to_string();
    assert!(error.contains(&window.to_string()), "{error}");
    let first = ScoreRequest { tokens: vec![5; 4], scored: vec![0..2] };
    assert!(model.score(&[first], &watch).is_err());
    let past = ScoreRequest { tokens: vec![5; 4], scored: vec![2..9] };
    assert!(model.score(&[past], &watch).is_err());
}

fn tiny() -> CandleModel {
    let path = format!("{}/tests/data/tiny_llama.gguf", env!("CARGO_MANIFEST_DIR"));
    CandleModel::load(path.as_ref(), CandleOptions::default(), &Watch::default()).unwrap()
}

/// Sequences that write three tokens each, always the most likely.
pub fn three_tokens_each(prompts: &[Vec<u32>]) -> Prompts {
    let sampling =
        Sampling { temperature: 0.0, max_new_tokens: 3, min_new_tokens: 3, ..Sampling::default() };
    let request = |(id, prompt): (usize, &Vec<u32>)| GenerateRequest {
        id,
        prompt: prompt.clone(),
        sampling: sampling.clone(),
        stream: Stream::new(5, "three", &id.to_string()),
        stop: Vec::new(),
        banned: Vec::new(),
    };
    Prompts::new(prompts.iter().enumerate().map(request).collect())
}

#[test]
fn the_meter_counts_what_is_read_and_written_and_the_cache_of_it() {
    let mut model = tiny();
    let (meter, watch) = (model.meter().clone(), Watch::default());
    assert_eq!(meter.work(), Default::default());
    model.score(&[ScoreRequest { tokens: vec![7; 31], scored: vec![20..31] }], &watch).unwrap();
    let bytes = model.info().cache_bytes_per_token;
    let work = meter.work();
    // What comes after the last scored token need not be read.
    assert_eq!((work.reading.n_tokens, work.writing.n_tokens), (30, 0));
    assert_eq!((work.cache.used, work.cache.held, work.cache.most_used), (0, 0, 30 * bytes));
    assert!(work.reading.tokens_per_s().is_some_and(|speed| speed > 1.0), "{work:?}");
    assert_eq!(work.writing.tokens_per_s(), None);
    let mut prompts = three_tokens_each(&[vec![5; 20], vec![6; 40]]);
    model.generate(&mut prompts, 2, &watch).unwrap();
    let work = meter.work();
    // The first token of each comes out of its prompt; the last is not read.
    assert_eq!((work.reading.n_tokens, work.writing.n_tokens), (30 + 60, 4));
    assert_eq!((work.cache.used, work.cache.most_used), (0, (22 + 42) * bytes));
    assert!(work.kernels.is_empty(), "the CPU has none");
}

#[test]
fn a_prompt_of_several_chunks_is_read_whole() {
    let Some(mut model) = load(Precision::Dense) else { return };
    let mut stream = Stream::new(6, "model", "chunks");
    let tokens: Vec<u32> = (0..1100).map(|_| stream.below(40_000) as u32 + 20).collect();
    let watch = Watch::default();
    // With one token alone in the last chunk, with a chunk filled to its end, and with one more.
    for n in [513, 1024, 1100] {
        let mut prompts = three_tokens_each(&[tokens[..n].to_vec()]);
        let before = model.meter().work().reading.n_tokens;
        model.generate(&mut prompts, 1, &watch).unwrap();
        assert_eq!(model.meter().work().reading.n_tokens - before, n as u64);
        let reply = model.tokenizer().encode(&prompts.replies[&0]).unwrap();
        let mut all = tokens[..n].to_vec();
        all.push(reply[0].id);
        let scored = model.score(&[ScoreRequest { tokens: all, scored: vec![n..n + 1] }], &watch);
        assert_eq!(scored.unwrap()[0].argmax, [true], "{n}: {:?}", prompts.replies);
    }
}

#[test]
fn the_meter_takes_no_pause_for_work() {
    const PAUSE: Duration = Duration::from_millis(400);
    let mut model = tiny();
    let watch = Watch::default();
    watch.pause();
    let waker = watch.clone();
    let resumes = std::thread::spawn(move || {
        std::thread::sleep(PAUSE);
        waker.resume();
    });
    model.score(&[ScoreRequest { tokens: vec![7; 31], scored: vec![20..31] }], &watch).unwrap();
    resumes.join().unwrap();
    let reading = model.meter().work().reading;
    assert!(reading.secs < PAUSE.as_secs_f64() / 2.0, "{} s for 30 tokens", reading.secs);
}

/// Random weights in the three architectures (Llama with scaled frequencies, Qwen2 with biases,
/// Qwen3 with query and key norms), as llama.cpp reads them; weights and cache in
/// single precision on both sides.
#[test]
fn every_architecture_gives_what_another_program_gives() {
    let golden = golden(include_str!("golden/tiny_models.json"));
    for architecture in ["llama", "qwen2", "qwen3"] {
        let path = format!("{}/tests/data/tiny_{architecture}.gguf", env!("CARGO_MANIFEST_DIR"));
        for precision in [Precision::Fast, Precision::Dense] {
            let options = CandleOptions { precision, free_bytes: None };
            let mut model = CandleModel::load(path.as_ref(), options, &Watch::default()).unwrap();
            assert_eq!(model.info().architecture, architecture);
            let theirs = numbers(&golden[architecture]["logprobs"], Value::as_f64);
            let ours = score_all(&mut model, &ids(&golden[architecture]["token_ids"]));
            assert_eq!(ours.len(), theirs.len());
            for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                let difference = (f64::from(*ours) - theirs).abs();
                assert!(difference < 2e-3, "{architecture}, {place}: {ours} for {theirs}");
            }
        }
    }
}
