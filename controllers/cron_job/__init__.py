"""The CronJob controller: Jobs made when a schedule says so."""
