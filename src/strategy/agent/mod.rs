//! Trained agents: PPO and RecurrentPPO bundles run through an ONNX engine.
