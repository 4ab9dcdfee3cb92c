/// The functions that the program serves and packages where it finds no `function-routes.json`: the text of the one at the root of the
/// repository. Made by `make docs`, and compared with that file by a test.
enum DefaultRoutes {
  static let text = #"""
    {
      "routePrefix": "api",
      "functions": [
        {
          "name": "backup_manual", "trigger": "http", "route": "backup_manual", "methods": ["GET", "POST"],
          "authLevel": "function", "handler": "backup_manual"
        },
        {
          "name": "restore", "trigger": "http", "route": "restore", "methods": ["POST"],
          "authLevel": "function", "handler": "restore"
        },
        {
          "name": "backup_async", "trigger": "http", "route": "backup_async", "methods": ["GET", "POST"],
          "authLevel": "function", "handler": "backup_async",
          "output": {"queue": "sluice-backup", "connection": "AzureWebJobsStorage"}
        },
        {
          "name": "restore_async", "trigger": "http", "route": "restore_async", "methods": ["POST"],
          "authLevel": "function", "handler": "restore_async",
          "output": {"queue": "sluice-restore", "connection": "AzureWebJobsStorage"}
        },
        {
          "name": "archives", "trigger": "http", "route": "archives", "methods": ["GET"],
          "authLevel": "function", "handler": "archives"
        },
        {
          "name": "chunks", "trigger": "http", "route": "chunks", "methods": ["GET"],
          "authLevel": "function", "handler": "chunks"
        },
        {
          "name": "verify", "trigger": "http", "route": "verify", "methods": ["GET", "POST"],
          "authLevel": "function", "handler": "verify"
        },
        {
          "name": "retention", "trigger": "http", "route": "retention", "methods": ["POST"],
          "authLevel": "function", "handler": "retention"
        },
        {
          "name": "maintenance", "trigger": "http", "route": "maintenance", "methods": ["POST"],
          "authLevel": "anonymous", "handler": "maintenance"
        },
        {
          "name": "cron", "trigger": "http", "route": "cron", "methods": ["GET"],
          "authLevel": "function", "handler": "cron"
        },
        {
          "name": "cron_history", "trigger": "http", "route": "cron/history", "methods": ["GET"],
          "authLevel": "function", "handler": "cron_history"
        },
        {
          "name": "cron_action", "trigger": "http", "route": "cron/{action}", "methods": ["POST"],
          "authLevel": "function", "handler": "cron_action"
        },
        {
          "name": "operations", "trigger": "http", "route": "operations", "methods": ["GET"],
          "authLevel": "function", "handler": "operations"
        },
        {
          "name": "operation", "trigger": "http", "route": "operations/{id}", "methods": ["GET", "DELETE"],
          "authLevel": "function", "handler": "operation"
        },
        {
          "name": "operation_action", "trigger": "http", "route": "operations/{id}/{action}", "methods": ["POST"],
          "authLevel": "function", "handler": "operation_action"
        },
        {
          "name": "openapi", "trigger": "http", "route": "openapi.json", "methods": ["GET"],
          "authLevel": "function", "handler": "openapi"
        },
        {
          "name": "status", "trigger": "http", "route": "status", "methods": ["GET"],
          "authLevel": "function", "handler": "status"
        },
        {
          "name": "health", "trigger": "http", "route": "health", "methods": ["GET"],
          "authLevel": "anonymous", "handler": "health"
        },
        {
          "name": "nightly_backup", "trigger": "timer", "schedule": "0 15 2 * * *", "handler": "nightly_backup",
          "output": {"queue": "sluice-backup", "connection": "AzureWebJobsStorage"}
        },
        {
          "name": "nightly_retention", "trigger": "timer", "schedule": "0 45 3 * * *", "handler": "nightly_retention"
        },
        {
          "name": "nightly_maintenance", "trigger": "timer", "schedule": "0 30 4 * * *", "handler": "nightly_maintenance"
        },
        {
          "name": "nightly_drill", "trigger": "timer", "schedule": "0 15 5 * * *", "handler": "nightly_drill"
        },
        {
          "name": "backup_worker", "trigger": "queue", "queue": "sluice-backup", "connection": "AzureWebJobsStorage",
          "handler": "backup_worker"
        },
        {
          "name": "restore_worker", "trigger": "queue", "queue": "sluice-restore", "connection": "AzureWebJobsStorage",
          "handler": "restore_worker"
        },
        {
          "name": "backup_worker_poison", "trigger": "queue", "queue": "sluice-backup-poison",
          "connection": "AzureWebJobsStorage", "handler": "backup_given_up"
        },
        {
          "name": "restore_worker_poison", "trigger": "queue", "queue": "sluice-restore-poison",
          "connection": "AzureWebJobsStorage", "handler": "restore_given_up"
        }
      ]
    }

    """#
}
