"""A plugin with a stage of each kind, to which tests add faults."""

from __future__ import annotations

# A stage of each kind. The comments name lines that an error points to.
PLUGIN = """
import asyncio
import sys
from pathlib import Path

import attrs
from autocakechat import (
    AnnotatorType, Chat, DeployerType, Dialog, ExtractorType, Input, Message, MessageBatch, Reply, Request, SourceType,
    TrainerType, Utterance, hookimpl, option
)


@attrs.frozen(kw_only=True)
class SourceOptions:
    path: Path = option(help="the file")


@attrs.frozen(kw_only=True)
class Options:
    pass


def inputs(options):  # def inputs
    return [Input("log", (options.path,))]  # return inputs


def messages(path):  # def messages
    for number, line in enumerate(path.read_text().splitlines()):
        name, _, text = line.partition(": ")
        yield Message(id=number, sender=name, sender_name=name, text=text, sent=60 * number)  # yield message


def read(options, entry, run):  # def read
    yield Chat(id="chat", title=None, kind="text", messages=messages(entry.paths[0]))  # yield chat


def extract(options, chat, run):  # def extract
    for client in chat.messages:
        server = next(chat.rest())
        turns = (
            Utterance(client.text, messages=(client.position,)),
            Utterance(server.text, messages=(server.position,)),
        )
        yield Dialog(chat.id, client.sent, turns)  # yield dialog


def without_labels(dialog):
    turns = tuple(Utterance(turn.text, "", turn.messages) for turn in dialog.utterances)
    return Dialog(dialog.chat, dialog.started, turns)


def annotate(options, dialogs, run):
    for dialog in dialogs:
        yield dialog  # yield annotated


def train(options, corpus, into, run):  # def train
    (into / "model.txt").write_text("nothing")  # write model
    return {"replies": 3}


class Responder:
    labels = ("neutral",)
    context_lines = 1

    def respond(self, requests):  # def respond
        return [Reply("hi") for request in requests]  # return replies


def load(path, reply, run):  # def load
    return Responder()  # return responder


def deploy(options, model, run):  # def deploy
    model.load().respond([Request(["hello"])])  # deploy


@hookimpl
def acc_sources():
    yield SourceType(name="own", summary="", config=SourceOptions, inputs=inputs, read=read)


@hookimpl
def acc_extractors():
    yield ExtractorType(name="own", summary="", config=Options, extract=extract)


@hookimpl
def acc_annotators():
    yield AnnotatorType(name="own", summary="", config=Options, annotate=annotate)


@hookimpl
def acc_trainers():
    yield TrainerType(name="own", summary="", config=Options, reply=Options, train=train, load=load)


@hookimpl
def acc_deployers():
    yield DeployerType(name="own", summary="", config=Options, deploy=deploy)
"""
PIPELINE = """
[[source]]
use = "own"
path = "log.txt"

[extractor]
use = "own"

[annotator]
use = "own"

[trainer]
use = "own"

[deployer]
use = "own"
"""
