"""A foreign client calls every operation that the local cloud has.

    python3 smoke boto3|cli OPERATIONS

OPERATIONS is a JSON object of the cloud's operations by service. The
environment says where the cloud is. Ends with one line that says ok, or with a
traceback. Whether an operation was forgotten, the test reads from the cloud's
tape; paginators and waiters are looked after here.
"""
import json
import sys
import tempfile

import botocore.session
from botocore import xform_name
from botocore.exceptions import DataNotFoundError

import clients
import identity
import instance
import market
import network
import objects
import reference
import schedule

REGION = "us-east-1"  # where the Price List has an endpoint, too


def model(read, client):
    """A model of botocore's, or None where the service has no such thing."""
    try:
        return read(client.service)
    except (DataNotFoundError, ValueError):
        return None


def forgotten(client, served):
    """boto3's paginators and waiters for what is served that nobody used."""
    session = botocore.session.get_session()
    wanted = set()
    pages, waits = model(session.get_paginator_model, client), model(session.get_waiter_model, client)
    for operation in served if pages else ():
        try:
            pages.get_paginator(operation)
        except ValueError:  # it has none
            continue
        wanted.add(xform_name(operation))
    for waiter in waits.waiter_names if waits else ():
        if waits.get_waiter(waiter).operation in served:
            wanted.add(xform_name(waiter))
    return sorted(wanted - client.paged - client.waited)


def maker(kind, folder):
    """What makes a client of a service."""
    if kind == "boto3":
        return lambda service: clients.Boto3(service, REGION)
    clients.prepare(folder)
    drivers = clients.Drivers()
    return lambda service: clients.CommandLine(service, REGION, drivers)


def main():
    kind, operations = sys.argv[1], json.loads(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        make = maker(kind, folder)
        cloud = {name: make(name) for name in operations}
        for chapter in (identity, network, instance, market, objects, reference, schedule):
            chapter.tell(cloud)
    left = {name: forgotten(client, operations[name]) for name, client in cloud.items()}
    if any(left.values()):
        raise AssertionError(f"nobody used these paginators and waiters: {left}")
    print(kind, "ok")


main()
