# ruff: noqa: E501 - golden text has the lines that it has
"""What streams look like, byte for byte and from the first to the last: the text that is golden.

Only two things are not literal: the date in a head (`date: *`), and the chunks, which are no
client's business. `test_transcripts.py` has the story of each.

Source: section 2 of the data plane's contract; the ids of updates are ours (the composite tag,
on the last event of each announcement).
"""

HEAD = """\
HTTP/1.1 200 OK
date: *
content-type: text/event-stream
cache-control: no-store, max-age=0
x-accel-buffering: no
x-content-type-options: nosniff
transfer-encoding: chunked

"""

HEAD_FOR_ANOTHER_ORIGIN = """\
HTTP/1.1 200 OK
date: *
content-type: text/event-stream
cache-control: no-store, max-age=0
x-accel-buffering: no
x-content-type-options: nosniff
transfer-encoding: chunked
access-control-allow-origin: *
access-control-expose-headers: etag, cache-control

"""

DISCOVER = """\
event: ack
data: {"status":"discover"}

"""

HEARTBEAT = """\
event: ack
data: "❤️"

"""

BYE = """\
event: bye
data: {"status":"closed"}

"""

UNKNOWN_KEY = f"""\
{DISCOVER}\
event: failure
data: {{"status":"Unrecognized API key. Please stop requesting."}}

"""

# Environment tags, each the MD5 digest of `{id}{version}-{value's version}`, joined by `-`. The
# last three digits of an id tell the feature: dark …164, kept …56b, fresh …266, never …56e,
# rolled …f72. The flag for extended data follows the digest.

FIRST_FEATURES = """\
event: features
id: d5a72e184c47459e05fe9f4051395bf10
data: [{"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":1,"type":"BOOLEAN","value":true}]

"""

IDLE = f"{DISCOVER}{FIRST_FEATURES}{BYE}"

BEATING = f"{DISCOVER}{FIRST_FEATURES}{HEARTBEAT}{BYE}"

NORMAL = """\
event: ack
data: {"status":"discover"}

event: features
id: 550deb9590c18c2626e35bcf9fe031e10
data: [{"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":1,"type":"BOOLEAN","value":true},{"id":"00000000-0000-0000-0000-00726576656e","key":"never","l":false,"version":0,"type":"BOOLEAN"}]

id: 93ba6c81ece12547aaa9510d47ea78860
event: feature
data: {"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":2,"type":"BOOLEAN","value":false}

event: feature
data: {"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":3,"type":"BOOLEAN","value":true}

id: 85e182b1d31b880125a5f1301d42c4d60
event: feature
data: {"id":"00000000-0000-0000-0000-006873657266","key":"fresh","l":true,"version":1,"type":"BOOLEAN","value":true}

id: 88063b7544e1f3cb23fe95d8db49d1240
event: feature
data: {"id":"00000000-0000-0000-0000-00726576656e","key":"never","l":false,"version":1,"type":"BOOLEAN","value":true}

event: bye
data: {"status":"closed"}

"""

SERVER_EVALUATED = """\
event: ack
data: {"status":"discover"}

event: features
id: 1252cd52baa4eaf23bae7ba9a9045ef90//285d1a9b00e68df0c3aaa1bd6421f0bf
data: [{"id":"00000000-0000-0000-0000-64656c6c6f72","key":"rolled","l":false,"version":1,"type":"STRING","value":"for fred","v":"rs1A"}]

id: 2b28512c39de62b726b2d93f6af82f930//285d1a9b00e68df0c3aaa1bd6421f0bf
event: feature
data: {"id":"00000000-0000-0000-0000-64656c6c6f72","key":"rolled","l":false,"version":2,"type":"STRING","value":"default"}

event: bye
data: {"status":"closed"}

"""

CLIENT_EVALUATED = """\
event: ack
data: {"status":"discover"}

event: features
id: 623c6988b45c02a6b8887db725a9b2c10
data: [{"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":1,"type":"BOOLEAN","value":true,"strategies":[]},{"id":"00000000-0000-0000-0000-64656c6c6f72","key":"rolled","l":false,"version":1,"type":"STRING","value":"default","strategies":[{"id":"rs1A","percentageAttributes":[],"attributes":[{"conditional":"EQUALS","fieldName":"userkey","type":"STRING","values":["fred"]}],"value":"for fred"}]}]

id: 43be5388960ff6d71bf39efc85910b650
event: feature
data: {"id":"00000000-0000-0000-0000-64656c6c6f72","key":"rolled","l":false,"version":2,"type":"STRING","value":"default","strategies":[{"id":"rs1A","percentageAttributes":[],"attributes":[{"conditional":"EQUALS","fieldName":"userkey","type":"STRING","values":["mary"]}],"value":"for mary"}]}

event: bye
data: {"status":"closed"}

"""

UPDATED_DURING_THE_SNAPSHOT = """\
event: ack
data: {"status":"discover"}

event: features
id: 52ddfade0361b179ac0bf313960e25630
data: [{"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":2,"type":"BOOLEAN","value":false}]

event: bye
data: {"status":"closed"}

"""

DELETED = """\
event: ack
data: {"status":"discover"}

event: features
id: ebdf873d79bd9a7fb22d347a73bfe0d70
data: [{"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":1,"type":"BOOLEAN","value":true},{"id":"00000000-0000-0000-0000-00007470656b","key":"kept","l":false,"version":1,"type":"BOOLEAN","value":true}]

id: db728798820ce1fc038d4240010d097d0
event: delete_feature
data: {"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":0,"type":"BOOLEAN"}

event: bye
data: {"status":"closed"}

"""

RETIRED = """\
event: ack
data: {"status":"discover"}

event: features
id: d5a72e184c47459e05fe9f4051395bf10
data: [{"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":1,"type":"BOOLEAN","value":true}]

id: 52ddfade0361b179ac0bf313960e25630
event: delete_feature
data: {"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":2,"type":"BOOLEAN","value":true}

id: 3902fe875460441f3e506a58259271690
event: feature
data: {"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":3,"type":"BOOLEAN","value":true}

event: bye
data: {"status":"closed"}

"""

RESUMED = """\
id: 52ddfade0361b179ac0bf313960e25630
event: feature
data: {"id":"00000000-0000-0000-0000-00006b726164","key":"dark","l":false,"version":2,"type":"BOOLEAN","value":false}

event: bye
data: {"status":"closed"}

"""
