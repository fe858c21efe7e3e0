"""S3: a bucket with objects in it, and a URL that was signed beforehand."""
import urllib.error
import urllib.request

from judge import refused, same

BUCKET = "bucket-of-the-smoke"


def tell(cloud):
    s3 = cloud["s3"]
    s3.wait("bucket_not_exists", Bucket=BUCKET)
    s3.create_bucket(Bucket=BUCKET)
    s3.wait("bucket_exists", Bucket=BUCKET)
    refused("InvalidBucketName", s3.create_bucket, Bucket="Upper..case")
    same(s3.head_bucket(Bucket=BUCKET)["BucketRegion"], "us-east-1")
    refused("404", s3.head_bucket, Bucket="no-such-bucket")

    s3.wait("object_not_exists", Bucket=BUCKET, Key="a b/c+d")
    body = b"x" * 100_000
    put = s3.put_object(Bucket=BUCKET, Key="a b/c+d", Body=body, IfNoneMatch="*", ContentType="text/x", Metadata={"who": "me"})
    s3.wait("object_exists", Bucket=BUCKET, Key="a b/c+d")
    refused("PreconditionFailed", s3.put_object, Bucket=BUCKET, Key="a b/c+d", Body=body, IfNoneMatch="*")
    got = s3.get_object(Bucket=BUCKET, Key="a b/c+d")
    same(got["Body"], body)
    same((got["ETag"], got["ContentType"], got["Metadata"]), (put["ETag"], "text/x", {"who": "me"}))
    same(s3.get_object(Bucket=BUCKET, Key="a b/c+d", Range="bytes=1-3")["Body"], b"xxx")
    refused("NoSuchKey", s3.get_object, Bucket=BUCKET, Key="none")
    same(s3.head_object(Bucket=BUCKET, Key="a b/c+d")["ContentLength"], len(body))
    refused("404", s3.head_object, Bucket=BUCKET, Key="none")
    presigned(s3.presign(BUCKET, "a b/c+d"), body)
    listing(s3)

    refused("BucketNotEmpty", s3.delete_bucket, Bucket=BUCKET)
    s3.delete_object(Bucket=BUCKET, Key="a b/c+d")
    s3.delete_object(Bucket=BUCKET, Key="a b/c+d")  # deleting what is not there is no error
    refused("NoSuchBucket", s3.delete_object, Bucket="no-such-bucket", Key="k")
    s3.delete_bucket(Bucket=BUCKET)
    refused("NoSuchBucket", s3.delete_bucket, Bucket=BUCKET)


def presigned(url, body):
    if "X-Amz-Signature" not in url:
        raise AssertionError(f"it was not signed with version 4: {url}")
    same(urllib.request.urlopen(url, timeout=10).read(), body)
    try:
        urllib.request.urlopen(url.replace("X-Amz-Expires=60", "X-Amz-Expires=61"), timeout=10)
    except urllib.error.HTTPError as e:
        same((e.code, b"<Code>SignatureDoesNotMatch</Code>" in e.read()), (403, True))
        return
    raise AssertionError("a URL that was altered was served")


def listing(s3):
    keys = [f"many/{n}/{letter}" for n in range(4) for letter in "ab"]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"")
    found = s3.pages("list_objects_v2", "Contents", size=3, Bucket=BUCKET, Prefix="many/")
    same([o["Key"] for o in found], keys)
    folders = s3.list_objects_v2(Bucket=BUCKET, Prefix="many/", Delimiter="/")
    same([p["Prefix"] for p in folders["CommonPrefixes"]], [f"many/{n}/" for n in range(4)])
    same([o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET, StartAfter="many/3/a", Prefix="many/")["Contents"]], ["many/3/b"])
    refused("NoSuchBucket", s3.list_objects_v2, Bucket="no-such-bucket")
    for key in keys:
        s3.delete_object(Bucket=BUCKET, Key=key)
