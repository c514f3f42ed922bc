"""What is done with the shared tables, one verb each: keys, audit, mail, alerts, rate limits, blobs."""
