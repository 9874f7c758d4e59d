"""Tests of the trainer `lora`."""
