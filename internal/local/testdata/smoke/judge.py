"""What the chapters of the smoke say, whichever client says it.

A client is used as boto3's is: ec2.run_instances(...) answers a dictionary. The
first call of an operation that knows DryRun is made as a dry run before; what
the dry run did after all, the call itself then trips over.
"""
import time


class Refused(Exception):
    """An answer that is an error; code is AWS's."""

    def __init__(self, code, message=""):
        super().__init__(f"{code}: {message}")
        self.code = code


def same(got, want):
    if got != want:
        raise AssertionError(f"got {got!r:.500}, want {want!r:.500}")


def refused(code, operation, **arguments):
    """The operation must end in the code; it is made without a dry run."""
    try:
        operation.once(**arguments)
    except Refused as e:
        if e.code == code:
            return
        raise AssertionError(f"{operation.name}({arguments!r}): {e}, and not {code}") from None
    raise AssertionError(f"{operation.name}({arguments!r}) was not refused with {code}")


def until(what, seconds=20):
    """Asks again and again until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"it did not come within {seconds} s")
        time.sleep(0.02)


class Operation:
    """One operation of a client. Called, it begins with a dry run once."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    def once(self, **arguments):
        return self.client.call(self.name, arguments)

    def __call__(self, **arguments):
        if self.name not in self.client.dry and self.client.can_be_dry(self.name):
            self.client.dry.add(self.name)
            refused("DryRunOperation", self, **arguments, DryRun=True)
        return self.once(**arguments)


class Client:
    """A service by boto3's names. Its two kinds are in clients.py."""

    def __init__(self, service, model):
        self.service, self.model = service, model  # the model is botocore's
        self.dry, self.paged, self.waited = set(), set(), set()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return Operation(self, name)

    def can_be_dry(self, name):
        shape = self.operation_model(name).input_shape
        return self.service == "ec2" and shape is not None and "DryRun" in shape.members

    def pages(self, name, key, size=5, least=2, **arguments):
        """All items under key, read by the client's own paginator. There must
        be as many pages as least says, where the client can tell."""
        self.paged.add(name)
        return self.page(name, key, size, least, arguments)

    def wait(self, waiter, **arguments):
        """Waits as the client does; raises Refused("Waiter") if it gives up."""
        self.waited.add(waiter)
        self.await_(waiter, arguments)
