"""The two foreign clients: boto3, and the AWS CLI driven in this process.

The CLI takes every parameter as JSON and answers in JSON, so that the same
chapters are its as well; its own way of writing parameters is met by the walk
in foreign_test.go. Started anew for each command it would take 0.7 s each.
"""
import contextlib
import io
import json
import os
import re
import tempfile
import time

import botocore.waiter
from botocore import xform_name

from judge import Client, Refused

POLL = 0.02  # seconds between two looks of a waiter


class Boto3(Client):
    def __init__(self, service, region):
        import boto3
        self._session = boto3.Session(region_name=region)
        self._client = self._session.client(service)
        super().__init__(service, self._client.meta.service_model)

    def operation_model(self, name):
        return self.model.operation_model(self._client.meta.method_to_api_mapping[name])

    def call(self, name, arguments):
        from botocore.exceptions import ClientError
        try:
            answer = getattr(self._client, name)(**arguments)
        except ClientError as e:
            raise Refused(e.response["Error"]["Code"], e.response["Error"]["Message"]) from e
        if "Body" in answer:
            answer["Body"] = answer["Body"].read()
        return answer

    def page(self, name, key, size, least, arguments):
        pages = [p.get(key, []) for p in self._client.get_paginator(name).paginate(**arguments, PaginationConfig={"PageSize": size})]
        if len(pages) < least or max(map(len, pages)) > size:
            raise AssertionError(f"{name}: pages of {[len(p) for p in pages]}, and not {least} or more of at most {size}")
        return [item for p in pages for item in p]

    def await_(self, waiter, arguments):
        from botocore.exceptions import WaiterError
        try:
            self._client.get_waiter(waiter).wait(**arguments, WaiterConfig={"Delay": POLL, "MaxAttempts": 500})
        except WaiterError as e:
            raise Refused("Waiter", str(e)) from e

    def presign(self, bucket, key):
        from botocore.config import Config
        # Without this boto3 signs URLs for AWS's own endpoints alone with version 4.
        signer = self._session.client("s3", config=Config(signature_version="s3v4"))
        return signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60)


class CommandLine(Client):
    commands = {"s3": "s3api"}

    def __init__(self, service, region, drivers):
        self._region, self._drivers = region, drivers
        super().__init__(service, drivers.of("").session.get_service_model(service))
        self._operations = {xform_name(n): n for n in self.model.operation_names}

    def operation_model(self, name):
        return self.model.operation_model(self._operations[name])

    def run(self, *words):
        """The output of aws with these words; its exit code must be 0."""
        out, err = Output(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = self._drivers.of(words[1]).main([*words, "--region", self._region])
            except SystemExit as e:  # the words were not understood
                code = e.code
        if code == 0:
            return out.getvalue()
        found = re.search(r"An error occurred \(([^)]+)\)", err.getvalue())
        if found:
            raise Refused(found[1], err.getvalue())
        if "Waiter" in err.getvalue():
            raise Refused("Waiter", err.getvalue())
        raise AssertionError(f"aws {' '.join(words)}: {code}: {err.getvalue()}")

    def command(self, name, arguments, *more):
        words = [self.commands.get(self.service, self.service), name.replace("_", "-")]
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "body")
            arguments = dict(arguments)
            if name == "get_object":  # which does not take its parameters as JSON
                words += [w for k, v in arguments.items() for w in ("--" + xform_name(k, "-"), v)] + [file]
                arguments = {}
            elif "Body" in arguments:
                with open(file, "wb") as f:
                    f.write(arguments.pop("Body"))
                words += ["--body", file]
            if arguments:
                words += ["--cli-input-json", json.dumps(arguments, default=plain)]
            text = self.run(*words, "--output", "json", *more)
            answer = json.loads(text) if text.strip() else {}
            if name == "get_object":
                with open(file, "rb") as f:
                    answer["Body"] = f.read()
        return answer

    def call(self, name, arguments):
        return self.command(name, arguments, "--no-paginate")

    def page(self, name, key, size, least, arguments):
        return self.command(name, arguments, "--page-size", str(size)).get(key, [])

    def await_(self, waiter, arguments):
        self.run(self.commands.get(self.service, self.service), "wait", waiter.replace("_", "-"),
                 "--cli-input-json", json.dumps(arguments, default=plain))

    def presign(self, bucket, key):
        return self.run("s3", "presign", f"s3://{bucket}/{key}", "--expires-in", "60").strip()


class Output(io.StringIO):
    """What the CLI takes for its standard output: it asks for the bytes below."""

    encoding = "utf-8"

    @property
    def buffer(self):
        return self

    def write(self, text):
        return super().write(text.decode() if isinstance(text, bytes) else text)


class Drivers:
    """The CLI, made once, but once more for each command that modifies: of
    these it leaves handlers behind that other commands of EC2 trip over."""

    def __init__(self):
        self._made = {}

    def of(self, command):
        import awscli.clidriver
        own = command if command.startswith("modify-") else ""
        if own not in self._made:
            driver = awscli.clidriver.create_clidriver()
            if self._made:  # reading the models takes long
                driver.session.register_component("data_loader", self._made[""].session.get_component("data_loader"))
            self._made[own] = driver
        return self._made[own]


def prepare(folder):
    """What the CLI must be told but for its commands' words."""
    real = time.sleep
    # Its waiters look every 15 seconds, and nothing says otherwise to them.
    botocore.waiter.time.sleep = lambda seconds: real(min(seconds, POLL))
    # It signs URLs for AWS's own endpoints alone with version 4, unless told so here.
    config = os.path.join(folder, "config")
    with open(config, "w", encoding="utf-8") as f:
        f.write("[default]\ns3 =\n  signature_version = s3v4\n")
    os.environ["AWS_CONFIG_FILE"] = config


def plain(value):
    """What JSON has no word for: bytes and times."""
    return value.decode() if isinstance(value, bytes) else value.isoformat()
