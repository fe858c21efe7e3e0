# Fetches an object from S3 with the credentials of the instance's role.
# usage: fetch.py METADATA-URL OBJECT-URL REGION FILE
#
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
import datetime
import hashlib
import hmac
import json
import shutil
import sys
import urllib.parse
import urllib.request

metadata, url, region, out = sys.argv[1:]
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(path, method="GET", **headers):
    headers = {"X-aws-ec2-metadata-" + name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(metadata + "/latest/" + path, method=method, headers=headers)
    with direct.open(request, timeout=5) as answer:
        return answer.read(65536).decode()


token = ask("api/token", "PUT", token_ttl_seconds="60")
roles = "meta-data/iam/security-credentials/"
role = json.loads(ask(roles + ask(roles, token=token).split()[0], token=token))

where = urllib.parse.urlsplit(url)
now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
nothing = hashlib.sha256(b"").hexdigest()
headers = {
    "host": where.netloc,
    "x-amz-content-sha256": nothing,
    "x-amz-date": now,
    "x-amz-security-token": role["Token"],
}
names = ";".join(sorted(headers))
lines = "".join("%s:%s\n" % (name, headers[name]) for name in sorted(headers))
request = "\n".join(["GET", where.path, where.query, lines, names, nothing])

scope = [now[:8], region, "s3", "aws4_request"]
key = ("AWS4" + role["SecretAccessKey"]).encode()
for part in scope:
    key = hmac.new(key, part.encode(), hashlib.sha256).digest()
digest = hashlib.sha256(request.encode()).hexdigest()
to_sign = "\n".join(["AWS4-HMAC-SHA256", now, "/".join(scope), digest])
headers["Authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
    role["AccessKeyId"],
    "/".join(scope),
    names,
    hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest(),
)
with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
    with open(out, "wb") as file:
        shutil.copyfileobj(answer, file)
