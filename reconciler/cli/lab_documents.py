"""The manifests of the lab: one workspace over every kind of system that runs there."""

__all__ = ["PROVIDERS", "REPLICATIONS", "WORKSPACE"]

WORKSPACE = """\
# yaml-language-server: $schema=manifest.v1.json
apiVersion: repl/v1
kind: Workspace
metadata: {name: lab}
spec:
  prune: true                        # together with --prune: what is no longer written down goes
  defaults:
    - match: {tier: gold}            # every Replication with this label gets these, unless it says otherwise
      spec: {verify: {level: canary, within: 1m}}
---
apiVersion: repl/v1
kind: Policy
metadata: {name: guards}
spec:
  guards: {maxLost: 2}
"""

PROVIDERS = """\
# yaml-language-server: $schema=manifest.v1.json
apiVersion: repl/v1
kind: Provider
metadata: {name: aws-eu, labels: {jurisdiction: eu}}
spec:
  s3:
    flavour: aws
    region: eu-west-1
    endpoint: %(s3)s
    caFile: ca.pem
    role: "%(role)s"
    credentials: {accessKeyId: %(access_key)s, secretAccessKey: {file: secrets/s3}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: aws-us, labels: {jurisdiction: us}}
spec:
  s3:
    flavour: aws
    region: us-east-1
    endpoint: %(s3)s
    caFile: ca.pem
    role: "%(role)s"
    credentials: {accessKeyId: %(access_key)s, secretAccessKey: {file: secrets/s3}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: nas-1, labels: {jurisdiction: eu}}
spec:
  qumulo:
    host: %(nas_host)s
    port: %(nas_port)d
    caFile: ca.pem
    username: %(nas_user)s
    password: {file: secrets/nas-1}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: alarik-eu, labels: {jurisdiction: eu}}
spec:
  alarik:
    endpoint: %(alarik_eu)s
    region: eu-1
    caFile: ca.pem
    credentials: {accessKeyId: %(alarik_eu_key)s, secretAccessKey: {file: secrets/alarik-eu}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: alarik-us, labels: {jurisdiction: us}}
spec:
  alarik:
    endpoint: %(alarik_us)s
    region: us-2
    caFile: ca.pem
    credentials: {accessKeyId: %(alarik_us_key)s, secretAccessKey: {file: secrets/alarik-us}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: bos-bj, labels: {jurisdiction: cn}}
spec:
  bos:
    region: bj
    endpoint: %(bos_bj)s
    s3Endpoint: %(bos_bj_s3)s
    caFile: ca.pem
    credentials: {accessKeyId: %(bos_key)s, secretAccessKey: {file: secrets/bos}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: bos-gz, labels: {jurisdiction: cn}}
spec:
  bos:
    region: gz
    endpoint: %(bos_gz)s
    s3Endpoint: %(bos_gz_s3)s
    caFile: ca.pem
    credentials: {accessKeyId: %(bos_key)s, secretAccessKey: {file: secrets/bos}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: scp-west, labels: {jurisdiction: kr}}
spec:
  scp:
    region: kr-west1
    environment: e
    endpoint: %(scp_west)s
    accountId: %(scp_account)s
    caFile: ca.pem
    credentials: {accessKey: %(scp_key)s, secretKey: {file: secrets/scp}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: scp-east, labels: {jurisdiction: kr}}
spec:
  scp:
    region: kr-east1
    environment: e
    endpoint: %(scp_east)s
    accountId: %(scp_account)s
    caFile: ca.pem
    credentials: {accessKey: %(scp_key)s, secretKey: {file: secrets/scp}}
---
apiVersion: repl/v1
kind: Provider
metadata: {name: ccs-a, labels: {jurisdiction: eu}}
spec:
  clonecloudstore:
    site: site-a
    clientId: %(ccs_client)s
    accessor: %(site_a_accessor)s
    replicator: %(site_a_replicator)s
    administration: %(site_a_administration)s
    topologyCache: 1s                # as these sites are set up; usually 5m
    caFile: ca.pem
---
apiVersion: repl/v1
kind: Provider
metadata: {name: ccs-b, labels: {jurisdiction: eu}}
spec:
  clonecloudstore:
    site: site-b
    clientId: %(ccs_client)s
    accessor: %(site_b_accessor)s
    replicator: %(site_b_replicator)s
    administration: %(site_b_administration)s
    topologyCache: 1s
    caFile: ca.pem
"""

REPLICATIONS = """\
# yaml-language-server: $schema=manifest.v1.json
apiVersion: repl/v1
kind: Replication
metadata: {name: logs-to-dr, labels: {team: platform, tier: gold}}
spec:
  source: {provider: aws-eu, bucket: logs, prefix: app/}
  destination: {provider: aws-us, bucket: logs-dr}
  state: active
  deletes: replicate
  storageClass: STANDARD_IA
---
apiVersion: repl/v1
kind: Replication
metadata: {name: media-to-dr, labels: {team: media, tier: gold}}
spec:
  source: {provider: aws-eu, bucket: media}
  destination: {provider: aws-us, bucket: media-dr}
  state: active
  deletes: keep
---
apiVersion: repl/v1
kind: Replication
metadata: {name: nas-archive, labels: {team: storage, tier: gold}}
spec:
  source: {provider: nas-1, path: /projects}       # Qumulo owns this one,
  destination: {provider: aws-eu, bucket: proj, prefix: v1/}
---
apiVersion: repl/v1
kind: Replication
metadata: {name: nas-restore, labels: {team: storage, tier: gold}}
spec:
  source: {provider: aws-eu, bucket: media, prefix: raw/}
  destination: {provider: nas-1, path: /restore}   # and this one too: it drives from whichever side it is on
---
apiVersion: repl/v1
kind: Replication
metadata: {name: uploads-to-us, labels: {team: web, tier: gold}}
spec:
  source: {provider: alarik-eu, bucket: uploads}
  destination: {provider: alarik-us, bucket: uploads-copy}
  state: active
  deletes: replicate
  existing: ignore
---
apiVersion: repl/v1
kind: Replication
metadata: {name: uploads-to-aws, labels: {team: web, tier: gold}}
spec:
  source: {provider: alarik-eu, bucket: uploads, prefix: uploads/}
  destination: {provider: aws-us, bucket: uploads-dr}   # Alarik sends to anything that speaks S3
  state: active
  deletes: keep
  existing: copy                                        # once, by a resync; a later one is `repl resync`
---
apiVersion: repl/v1
kind: Replication
metadata: {name: images-to-gz, labels: {team: images, tier: gold}}
spec:
  source: {provider: bos-bj, bucket: prod-images, prefix: raw/}
  destination: {provider: bos-gz, bucket: dr-images}
  state: active
  deletes: keep
  existing: copy
  filter: {exclude: ["*.tmp"]}
---
apiVersion: repl/v1
kind: Replication
metadata: {name: projects-to-east, labels: {team: storage, tier: gold}}
spec:
  source: {provider: scp-west, volume: projects}
  destination: {provider: scp-east, volume: projects_dr}   # the volume that this makes
  state: active
  deletes: replicate
  schedule: {every: 5m}                                 # in the lab a minute of a schedule takes %(minute)s s
  verify:
    within: 10m                                         # longer than the schedule: a canary goes with the next run
    mounts:
      source: %(mount_west)s
      destination: %(mount_east)s
---
apiVersion: repl/v1
kind: Replication
metadata: {name: invoices-to-b, labels: {team: finance, tier: gold}}
spec:
  source: {provider: ccs-a, bucket: invoices}
  destination: {provider: ccs-b, bucket: invoices}
  state: active
  deletes: replicate
  existing: copy
"""
