//! Parity with the training framework, and every reason to refuse a bundle.
//!
//! The shipped bundles replay made-up bars; with `TRADETERM_SHARED` or `../shared` the same
//! agents replay real ones.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests count as outside of tests"
)]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tradeterm::domain::{Category, Interval, Symbol};
use tradeterm::strategy::agent::{Bundle, BundleError, Fault, PolicyError, check_golden, init};

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

fn shared_models() -> PathBuf {
    let shared = std::env::var_os("TRADETERM_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    shared.join("models")
}

/// Replays one golden file, or tells that it is not there.
fn replay(bundle: &Path, golden: &Path, name: &str) {
    let csv = golden.join(format!("{name}.csv.gz"));
    if !csv.exists() {
        eprintln!("skipped: {name} of {} is not there", bundle.display());
        return;
    }
    let bundle = Bundle::load(bundle).unwrap();
    let report = check_golden(&bundle, &csv, &golden.join(format!("{name}.json"))).unwrap();
    println!("{} {name}: {report}", bundle.meta().name);
    assert!(report.passed(), "{report}");
    assert_eq!(report.n_bars, 4000);
    assert_eq!(report.n_wrong_actions, 0);
    assert_eq!(report.n_wrong_positions, 0);
    assert!(report.max_logit_diff <= 1e-4, "{report}");
    assert!(report.max_feature_diff_sd <= 1e-7, "{report}");
    assert!(report.max_normalised_diff <= 1e-5, "{report:?}");
    assert!(report.max_value_diff <= 1e-4, "{report}");
}

#[rstest]
fn shipped_agents_decide_as_in_training(
    #[values("ppo_btcusdt_5m", "rppo_btcusdt_5m", "ppo_win16_ethusdt_5m")] name: &str,
) {
    let dir = models().join(name);
    assert!(
        dir.join("golden_synthetic.csv.gz").exists(),
        "{}",
        dir.display()
    );
    replay(&dir, &dir, "golden_synthetic");
}

#[rstest]
fn shipped_agents_decide_as_in_training_on_real_bars(
    #[values("ppo_btcusdt_5m", "rppo_btcusdt_5m", "ppo_win16_ethusdt_5m")] name: &str,
) {
    replay(&models().join(name), &shared_models().join(name), "golden");
}

/// A copy of a shipped golden file with one field of one row changed.
fn tampered(dir: &Path, row: usize, column: &str, value: &str) -> (tempfile::TempDir, PathBuf) {
    let file = fs::File::open(dir.join("golden_synthetic.csv.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines[0].split(',').position(|c| c == column).unwrap();
    let mut fields: Vec<&str> = lines[row + 1].split(',').collect();
    assert_ne!(fields[at], value);
    fields[at] = value;
    lines[row + 1] = fields.join(",");
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("golden.csv.gz");
    let file = fs::File::create(&path).unwrap();
    let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gz.write_all(lines.join("\n").as_bytes()).unwrap();
    gz.finish().unwrap();
    (out, path)
}

#[rstest]
#[case::feature("f_rsi_14", "52.5", "f_rsi_14")]
#[case::missing_feature("f_vol_30", "", "f_vol_30")]
#[case::logit("sb3_logit_1", "0.25", "logit_1")]
#[case::action("sb3_action", "1", "action")]
#[case::position("position", "0", "position")]
fn one_changed_number_in_a_golden_file_is_found(
    #[case] column: &str,
    #[case] value: &str,
    #[case] what: &str,
) {
    let dir = models().join("ppo_btcusdt_5m");
    let bundle = Bundle::load(&dir).unwrap();
    let (_keep, csv) = tampered(&dir, 39, column, value);
    let report = check_golden(&bundle, &csv, &dir.join("golden_synthetic.json")).unwrap();
    let first = report.first_mismatch.clone().expect("the change is found");
    assert!(!report.passed());
    assert_eq!((first.row, first.what.as_str()), (39, what), "{report}");
}

#[test]
fn a_golden_file_of_another_agent_does_not_pass() {
    let bundle = Bundle::load(&models().join("rppo_btcusdt_5m")).unwrap();
    let dir = models().join("ppo_btcusdt_5m");
    let csv = dir.join("golden_synthetic.csv.gz");
    let report = check_golden(&bundle, &csv, &dir.join("golden_synthetic.json")).unwrap();
    assert!(!report.passed() && 0 < report.n_wrong_actions, "{report}");
    // The features are the same, whoever looks at them.
    assert!(report.max_feature_diff_sd <= 1e-7, "{report}");
}

/// A shipped bundle to break.
struct Parts {
    meta: Value,
    onnx: Vec<u8>,
}

impl Parts {
    fn of(name: &str) -> Self {
        let dir = models().join(name);
        Self {
            meta: serde_json::from_slice(&fs::read(dir.join("meta.json")).unwrap()).unwrap(),
            onnx: fs::read(dir.join("model.onnx")).unwrap(),
        }
    }

    /// Makes size and hash fit the model again.
    fn seal(&mut self) {
        let hash: Vec<String> = Sha256::digest(&self.onnx)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        self.meta["model"]["sha256"] = json!(hash.concat());
        self.meta["model"]["bytes"] = json!(self.onnx.len());
    }

    fn load(&self) -> Result<Bundle, BundleError> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("meta.json"), self.meta.to_string()).unwrap();
        fs::write(dir.path().join("model.onnx"), &self.onnx).unwrap();
        let from_memory = Bundle::from_parts(self.meta.to_string().as_bytes(), &self.onnx, "x");
        let from_disk = Bundle::load(dir.path());
        assert_eq!(from_memory.is_ok(), from_disk.is_ok());
        from_disk
    }

    fn refusal(&self) -> (Fault, String) {
        let error = self.load().expect_err("the bundle is broken");
        let text = error.to_string();
        (error.fault, text)
    }
}

/// Refusal of the plain PPO bundle after an edit of its description.
fn refuse(edit: impl FnOnce(&mut Value)) -> (Fault, String) {
    let mut parts = Parts::of("ppo_btcusdt_5m");
    parts.load().expect("the bundle is fine before the edit");
    edit(&mut parts.meta);
    parts.refusal()
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[test]
fn swapped_columns_are_refused_naming_both() {
    let (fault, text) = refuse(|meta| {
        let columns = meta["feature_stats"]["columns"].as_array_mut().unwrap();
        columns.swap(3, 4);
    });
    assert!(matches!(fault, Fault::Layout { at: 3, .. }));
    says(
        &text,
        &["layout column 3 is vol_30, feature_stats.columns has rsi_14"],
    );
}

#[test]
fn swapped_columns_of_a_window_are_refused_naming_both() {
    let mut parts = Parts::of("ppo_win16_ethusdt_5m");
    let columns = parts.meta["feature_stats"]["columns"]
        .as_array_mut()
        .unwrap();
    columns.swap(0, 10);
    let (_, text) = parts.refusal();
    says(&text, &["log_ret_1 (lag 15)", "hour_cos (lag 15)"]);
}

#[test]
fn a_window_that_is_newest_first_is_refused() {
    let mut parts = Parts::of("ppo_win16_ethusdt_5m");
    let layout = parts.meta["obs"]["layout"].as_array_mut().unwrap();
    for (at, entry) in layout.iter_mut().enumerate() {
        entry["lag"] = json!(at / 11);
    }
    let (fault, text) = parts.refusal();
    assert!(matches!(fault, Fault::Layout { at: 0, .. }), "{text}");
    parts.meta["obs"]["window_order"] = json!("newest_first");
    says(&parts.refusal().1, &["obs.window_order", "newest_first"]);
}

#[test]
fn a_layout_without_the_position_is_refused() {
    let (_, text) = refuse(|meta| {
        meta["obs"]["layout"].as_array_mut().unwrap().pop();
    });
    says(&text, &["layout column 11 is nothing", "has the position"]);
}

#[test]
fn a_layout_that_is_too_long_is_refused() {
    let (_, text) = refuse(|meta| {
        let layout = meta["obs"]["layout"].as_array_mut().unwrap();
        layout.push(json!({"kind": "position"}));
    });
    says(&text, &["layout column 12 is the position", "has nothing"]);
}

#[test]
fn a_wrong_hash_is_refused() {
    let mut parts = Parts::of("ppo_btcusdt_5m");
    let last = parts.onnx.len() - 1;
    parts.onnx[last] ^= 1;
    let (fault, text) = parts.refusal();
    assert!(matches!(fault, Fault::Hash { .. }), "{text}");
    says(&text, &["sha256", "copy it again"]);
}

#[test]
fn a_truncated_model_is_refused() {
    let mut parts = Parts::of("rppo_btcusdt_5m");
    parts.onnx.truncate(300_000);
    let (fault, text) = parts.refusal();
    assert!(
        matches!(fault, Fault::Size { found: 300_000, .. }),
        "{text}"
    );
    // Also when somebody made the description fit.
    parts.seal();
    let (fault, text) = parts.refusal();
    assert!(matches!(fault, Fault::Onnx(_)), "{text}");
    says(&text, &["truncated"]);
}

#[test]
fn a_model_that_is_too_long_is_refused() {
    let mut parts = Parts::of("ppo_btcusdt_5m");
    parts.onnx.push(0);
    assert!(matches!(parts.refusal().0, Fault::Size { .. }));
}

#[rstest]
#[case::ppo("ppo_btcusdt_5m", &[0x4a, 0x80, 0x18])]
#[case::lstm("rppo_btcusdt_5m", &[0x4a, 0x80, 0xc0, 0x01])]
fn nan_in_a_weight_is_refused(#[case] name: &str, #[case] raw_data: &[u8]) {
    for bad in [f32::NAN, f32::INFINITY] {
        let mut parts = Parts::of(name);
        let at = parts
            .onnx
            .windows(raw_data.len())
            .position(|bytes| bytes == raw_data)
            .expect("a weight matrix of that size")
            + raw_data.len();
        parts.onnx[at + 40..at + 44].copy_from_slice(&bad.to_le_bytes());
        parts.seal();
        let (fault, text) = parts.refusal();
        assert!(matches!(fault, Fault::Onnx(_)), "{text}");
        says(&text, &["not finite at 10"]);
    }
}

#[rstest]
fn each_missing_key_is_named(
    #[values(
        "format",
        "name",
        "algo",
        "category",
        "symbol",
        "interval",
        "interval_ms",
        "model.file",
        "model.sha256",
        "model.bytes",
        "model.opset",
        "io.inputs",
        "io.outputs",
        "io.obs",
        "io.logits",
        "io.value",
        "io.episode_starts",
        "io.state",
        "obs.dim",
        "obs.window",
        "obs.window_order",
        "obs.position_in_obs",
        "obs.layout",
        "feature_spec",
        "feature_stats.columns",
        "feature_stats.mu",
        "feature_stats.sd",
        "feature_stats.clip",
        "warmup_bars",
        "actions.targets",
        "actions.select",
        "actions.tie",
        "decision.at",
        "decision.applies_to",
        "fees.maker_bps",
        "fees.taker_bps",
        "fees.slippage_bps"
    )]
    key: &'static str,
) {
    let mut parts = Parts::of("ppo_btcusdt_5m");
    let (holder, last) = match key.split_once('.') {
        Some((section, last)) => (&mut parts.meta[section], last),
        None => (&mut parts.meta, key),
    };
    holder
        .as_object_mut()
        .unwrap()
        .remove(last)
        .expect("the key was there");
    let (fault, text) = parts.refusal();
    assert!(
        matches!(fault, Fault::MissingKey(found) if found == key),
        "{text}"
    );
}

#[rstest]
#[case::sd_zero("/feature_stats/sd/2", json!(0.0), "sd of log_ret_15 is 0")]
#[case::sd_negative("/feature_stats/sd/4", json!(-1.0), "sd of rsi_14 is -1")]
#[case::sd_null("/feature_stats/sd/4", json!(null), "feature_stats: invalid type: null")]
#[case::sd_short("/feature_stats/sd", json!([1.0]), "1 values of sd")]
#[case::mu_long("/feature_stats/mu", json!(vec![0.0; 12]), "12 values of mu")]
#[case::clip("/feature_stats/clip", json!(0), "clip is 0")]
#[case::format("/format", json!("tradeterm.artifact/2"), "tradeterm.artifact/2")]
#[case::spec("/feature_spec", json!("tradeterm.features/9"), "tradeterm.features/9")]
#[case::algo("/algo", json!("DQN"), "algo is \"DQN\"")]
#[case::interval("/interval", json!("15m"), "interval is 15m (900000), interval_ms says 300000")]
#[case::no_interval("/interval", json!("7m"), "unknown interval \"7m\"")]
#[case::interval_ms("/interval_ms", json!(60_000), "interval_ms says 60000")]
#[case::symbol("/symbol", json!("BTC/USDT\u{1b}[2J"), "is not a symbol")]
#[case::category("/category", json!("inverse"), "category: unknown variant")]
#[case::name("/name", json!("a b"), "name: use")]
#[case::file("/model/file", json!("../model.onnx"), "model.file: use")]
#[case::opset("/model/opset", json!(18), "opset 17, model.opset says 18")]
#[case::dim("/obs/dim", json!(13), "obs.dim is 13, window 1 x 11 columns")]
#[case::window("/obs/window", json!(2), "obs.dim is 12, window 2 x 11 columns")]
#[case::no_window("/obs/window", json!(0), "obs.dim is 12, window 0")]
#[case::huge_window("/obs/window", json!(u64::MAX), "window 18446744073709551615")]
#[case::position("/obs/position_in_obs", json!(false), "gives 11")]
#[case::targets_short("/actions/targets", json!([-1, 1]), "2 values, the logits are 3 wide")]
#[case::targets_long("/actions/targets", json!([-1, 0, 1, 0]), "4 values, the logits are 3 wide")]
#[case::target_size("/actions/targets/2", json!(1.5), "actions.targets has 1.5")]
#[case::select("/actions/select", json!("sample"), "actions.select is \"sample\"")]
#[case::tie("/actions/tie", json!("random"), "actions.tie is \"random\"")]
#[case::decision("/decision/at", json!("bar_open"), "decision.at is \"bar_open\"")]
#[case::next("/decision/applies_to", json!("same_bar"), "decision.applies_to")]
#[case::fees("/fees/taker_bps", json!(20_000), "20000 basis points")]
#[case::dtype("/io/inputs/0/dtype", json!("f64"), "dtype is \"f64\"")]
#[case::obs_shape("/io/inputs/0/shape/1", json!(13), "13 wide, obs.dim is 12")]
#[case::obs_rank("/io/inputs/0/shape", json!(["B", 1, 12]), "is not [B, width]")]
#[case::obs_name("/io/obs", json!("observation"), "there is no input \"observation\"")]
#[case::logits_name("/io/logits", json!("probs"), "there is no output \"probs\"")]
#[case::starts("/io/episode_starts", json!("obs"), "belong together")]
#[case::value_shape("/io/outputs/1/shape", json!(["B", 2]), "not one number a row")]
fn each_wrong_value_is_refused(#[case] at: &str, #[case] value: Value, #[case] part: &str) {
    let (_, text) = refuse(|meta| *meta.pointer_mut(at).expect("the key is there") = value);
    says(&text, &[part]);
    assert!(
        !text.contains('\u{1b}'),
        "control characters do not get through"
    );
}

#[test]
fn a_column_that_cannot_be_computed_is_refused() {
    let (fault, text) = refuse(|meta| {
        meta["feature_stats"]["columns"][4] = json!("rsi_15");
        meta["obs"]["layout"][4]["name"] = json!("rsi_15");
    });
    assert!(matches!(fault, Fault::Column(_)), "{text}");
    says(&text, &["rsi_15", "known:", "rsi_14"]);
}

#[test]
fn a_graph_of_another_shape_is_refused() {
    // Consistent in itself, and still not what is in the file.
    let (fault, text) = refuse(|meta| {
        meta["actions"]["targets"] = json!([-1, -0.5, 0.5, 1]);
        meta["io"]["outputs"][0]["shape"] = json!(["B", 4]);
    });
    assert!(
        matches!(fault, Fault::Policy(PolicyError::Shape { .. })),
        "{text}"
    );
    says(&text, &["logits", "4", "3"]);
}

#[test]
fn a_graph_with_other_names_is_refused() {
    let (fault, text) = refuse(|meta| {
        meta["io"]["inputs"][0]["name"] = json!("input");
        meta["io"]["obs"] = json!("input");
    });
    assert!(
        matches!(fault, Fault::Policy(PolicyError::Names { .. })),
        "{text}"
    );
    says(&text, &["\"obs\"", "\"input\""]);
}

#[rstest]
#[case::dropped("/io/state", json!([]))]
#[case::no_starts("/io/episode_starts", json!(null))]
#[case::shape("/io/state/1/shape/2", json!(64))]
#[case::both_shapes("/io/inputs/1/shape/2", json!(127))]
#[case::twice("/io/state/1/input", json!("h_pi"))]
#[case::output_twice("/io/state/1/output", json!("h_pi_out"))]
fn a_recurrent_state_that_does_not_fit_is_refused(#[case] at: &str, #[case] value: Value) {
    let mut parts = Parts::of("rppo_btcusdt_5m");
    *parts.meta.pointer_mut(at).expect("the key is there") = value;
    let (fault, text) = parts.refusal();
    assert!(matches!(fault, Fault::Io(_)), "{text}");
}

#[test]
fn a_model_of_another_bundle_is_refused() {
    let mut parts = Parts::of("ppo_btcusdt_5m");
    parts.onnx = Parts::of("ppo_win16_ethusdt_5m").onnx;
    parts.seal();
    let (fault, text) = parts.refusal();
    assert!(
        matches!(fault, Fault::Policy(PolicyError::Shape { .. })),
        "{text}"
    );
}

#[test]
fn meta_that_is_no_json_is_refused() {
    for text in ["", "{", "[1]", "{\"format\": NaN}"] {
        let error = Bundle::from_parts(text.as_bytes(), b"", "mine").unwrap_err();
        assert!(error.to_string().starts_with("bundle mine: "), "{error}");
    }
}

#[test]
fn a_folder_without_files_is_refused_naming_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let text = Bundle::load(dir.path()).unwrap_err().to_string();
    says(&text, &["cannot read meta.json"]);
    fs::copy(
        models().join("ppo_btcusdt_5m/meta.json"),
        dir.path().join("meta.json"),
    )
    .unwrap();
    let text = Bundle::load(dir.path()).unwrap_err().to_string();
    says(&text, &["cannot read model.onnx"]);
}

#[rstest]
#[case::same("BTCUSDT", Category::Linear, "5m", true)]
#[case::symbol("ETHUSDT", Category::Linear, "5m", false)]
#[case::category("BTCUSDT", Category::Spot, "5m", false)]
#[case::interval("BTCUSDT", Category::Linear, "15m", false)]
fn an_agent_runs_on_its_own_market_only(
    #[case] symbol: &str,
    #[case] category: Category,
    #[case] interval: &str,
    #[case] fits: bool,
) {
    let bundle = Bundle::load(&models().join("ppo_btcusdt_5m")).unwrap();
    let interval: Interval = interval.parse().unwrap();
    let answer = bundle.check_market(&Symbol::new(symbol).unwrap(), category, interval);
    assert_eq!(answer.is_ok(), fits);
    if let Err(error) = answer {
        let text = error.to_string();
        says(
            &text,
            &["trained for BTCUSDT linear 5m", symbol, interval.name()],
        );
    }
}

#[test]
fn the_engine_is_chosen_once_and_never_silently() {
    let engine = init(None).unwrap();
    assert!(!engine.name().is_empty());
    let error = init(Some(Path::new("no-such-library.so"))).unwrap_err();
    says(
        &error.to_string(),
        &["already in use", "no-such-library.so", engine.name()],
    );
}
