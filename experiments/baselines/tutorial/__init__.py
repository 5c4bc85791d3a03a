"""Mini-SPIRE as a good tutorial would write it: the same paths, bodies and environment, and none of the product's care.

It is here to be measured beside the product, so it is neither slowed down nor tuned: sync endpoints, a ``Session`` dependency,
``response_model``, an engine with its default pool, cache-aside with ``json.loads`` and ``setex``, a worker that decides message by
message with the ORM. Errors are FastAPI's own, there is no Idempotency-Key, and PUT, PATCH and the internal batch calls are left out.

What such code gets wrong, and what therefore must not be mended here:

- *Read, then write.* The worker counts who is enrolled, compares with the capacity and then stores the outcome: two workers, or one
  drop in between, give the last seat twice. POST /enroll looks for an earlier request in the same way.
- *Publish after commit.* Without outbox and publisher confirms, a request is answered 202 and lost where the broker is away.
- *A Session held while waiting for a thread.* The dependency's connection goes back to the pool only after the answer was serialized
  in another thread; once all threads wait for a connection nothing can give one back, and throughput collapses.
- *A connection per publish.* Each POST /enroll opens and closes an AMQP connection.
- *Stampede.* Every request that misses loads: a cold hot key costs one query a client.
- *Stale cache.* A reader that missed can set the old value after the writer's delete.
- *No bounds.* Nothing limits waiting requests, page sizes, or how long an answer of Redis, PostgreSQL or a peer is waited for.
"""
