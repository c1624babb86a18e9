//! A recurrent model small enough to know every number of it, written by hand.
//!
//! `s_out = s * (1 - starts) + obs`, `logits = exp(s_out)`, `value = s_out * weight`. With the
//! columns `hour_sin` alone, a bar at 06:00 adds `1 / sd` to the state and one at 00:00 adds 0;
//! a large sum overflows the logits.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::strategy::agent::Bundle;

fn varint(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

fn number(field: u64, n: u64) -> Vec<u8> {
    [varint(field << 3), varint(n)].concat()
}

fn bytes(field: u64, data: &[u8]) -> Vec<u8> {
    [
        varint(field << 3 | 2),
        varint(data.len() as u64),
        data.to_vec(),
    ]
    .concat()
}

fn tensor(name: &str, dims: &[u64], values: &[f32]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let dims: Vec<u8> = dims.iter().flat_map(|d| number(1, *d)).collect();
    [
        dims,
        number(2, 1),
        bytes(8, name.as_bytes()),
        bytes(9, &raw),
    ]
    .concat()
}

fn node(op: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|i| bytes(1, i.as_bytes())).collect();
    let parts = [inputs, bytes(2, output.as_bytes()), bytes(4, op.as_bytes())];
    bytes(1, &parts.concat())
}

/// `ValueInfoProto` of an f32 tensor, as field `field` of the graph.
fn port(field: u64, name: &str, dims: &[u64]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|d| bytes(1, &number(1, *d))).collect();
    let kind = bytes(1, &[number(1, 1), bytes(2, &dims)].concat());
    bytes(
        field,
        &[bytes(1, name.as_bytes()), bytes(2, &kind)].concat(),
    )
}

fn onnx() -> Vec<u8> {
    let graph = [
        node("Sub", &["one", "starts"], "keep"),
        node("Mul", &["s", "keep"], "kept"),
        node("Add", &["kept", "obs"], "s_out"),
        node("Exp", &["s_out"], "logits"),
        node("MatMul", &["s_out", "weight"], "value"),
        bytes(2, b"tiny"),
        bytes(5, &tensor("one", &[1], &[1.0])),
        bytes(5, &tensor("weight", &[3, 1], &[1.0, 0.0, 0.0])),
        port(11, "obs", &[1, 3]),
        port(11, "s", &[1, 3]),
        port(11, "starts", &[1]),
        port(12, "logits", &[1, 3]),
        port(12, "s_out", &[1, 3]),
        port(12, "value", &[1, 1]),
    ];
    let opset = bytes(8, &number(2, 17));
    [number(1, 8), bytes(7, &graph.concat()), opset].concat()
}

fn row(name: &str, shape: &Value) -> Value {
    json!({"name": name, "dtype": "f32", "shape": shape})
}

/// The bundle; observation is `hour_sin / sd` of the last three bars, oldest first.
pub(super) fn bundle(sd: f64, warmup_bars: u64, targets: [f64; 3]) -> Bundle {
    let onnx = onnx();
    let hash: Vec<String> = Sha256::digest(&onnx)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let wide = json!(["B", 3]);
    let layout: Vec<Value> = [2, 1, 0]
        .iter()
        .map(|lag| json!({"kind": "feature", "name": "hour_sin", "lag": lag}))
        .collect();
    let meta = json!({
        "format": "tradeterm.artifact/1",
        "feature_spec": "tradeterm.features/1",
        "name": "tiny", "algo": "RecurrentPPO",
        "category": "linear", "symbol": "BTCUSDT", "interval": "6h", "interval_ms": 21_600_000,
        "model": {"file": "m.onnx", "sha256": hash.concat(), "bytes": onnx.len(), "opset": 17},
        "io": {
            "inputs": [row("obs", &wide), row("s", &wide), row("starts", &json!(["B"]))],
            "outputs": [row("logits", &wide), row("s_out", &wide), row("value", &json!(["B", 1]))],
            "obs": "obs", "logits": "logits", "value": "value", "episode_starts": "starts",
            "state": [{"input": "s", "output": "s_out", "shape": wide}],
        },
        "obs": {
            "dim": 3, "window": 3, "window_order": "oldest_first", "position_in_obs": false,
            "layout": layout,
        },
        "feature_stats": {"columns": ["hour_sin"], "mu": [0.0], "sd": [sd], "clip": 1000.0},
        "warmup_bars": warmup_bars,
        "actions": {"targets": targets, "select": "argmax", "tie": "lowest_index"},
        "decision": {"at": "bar_close", "applies_to": "next_bar"},
        "fees": {"maker_bps": -1.0, "taker_bps": 5.5, "slippage_bps": 1.0},
    });
    Bundle::from_parts(meta.to_string().as_bytes(), &onnx, "tiny").unwrap()
}
