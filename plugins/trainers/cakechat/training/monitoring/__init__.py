"""What is recorded and shown of a training: history, report page, sample replies, TensorBoard."""
