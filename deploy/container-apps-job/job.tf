# A Container Apps job that runs the maintenance tasks of sluice.json every night as a managed identity. There is no secret in it.

terraform {
  required_version = ">= 1.5"
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.0, < 5.0"
    }
  }
}

variable "resource_group" {
  description = "The resource group of the job."
  type        = string
}

variable "location" {
  description = "Where the job is."
  type        = string
}

variable "environment_id" {
  description = "The resource id of the Container Apps environment."
  type        = string
}

variable "image" {
  description = "The image of the program alone: docker build --target standalone."
  type        = string
}

variable "registry" {
  description = "The registry of the image, such as example.azurecr.io."
  type        = string
}

variable "identity_id" {
  description = "The resource id of the user-assigned identity, which pulls the image and signs in to the database and the lake."
  type        = string
}

variable "client_id" {
  description = "The client id of that identity."
  type        = string
}

variable "host" {
  description = "The host of the flexible server."
  type        = string
}

variable "database" {
  description = "The database whose tables are kept."
  type        = string
}

variable "role" {
  description = "The role in the database that is made for the identity: sluice setup apply --kind managed-identity."
  type        = string
}

variable "lake" {
  description = "The lake, such as abfss://filesystem@account.dfs.core.windows.net/archive."
  type        = string
}

variable "schedule" {
  description = "When it runs, in UTC: minute, hour, day, month, weekday."
  type        = string
  default     = "0 4 * * *"
}

resource "azurerm_container_app_job" "maintenance" {
  name                         = "sluice-maintenance"
  resource_group_name          = var.resource_group
  location                     = var.location
  container_app_environment_id = var.environment_id
  replica_timeout_in_seconds   = 7200
  replica_retry_limit          = 0

  schedule_trigger_config {
    cron_expression          = var.schedule
    parallelism              = 1
    replica_completion_count = 1
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [var.identity_id]
  }

  registry {
    server   = var.registry
    identity = var.identity_id
  }

  secret {
    name  = "sluice-json"
    value = file("${path.module}/../sluice.json")
  }

  template {
    container {
      name   = "sluice"
      image  = var.image
      args   = ["maintenance", "run", "--json"]
      cpu    = 0.5
      memory = "1Gi"

      env {
        name  = "SLUICE_CONFIG"
        value = "/settings/sluice-json"
      }
      env {
        name  = "PG_HOST"
        value = var.host
      }
      env {
        name  = "PG_DATABASE"
        value = var.database
      }
      env {
        name  = "PG_USER"
        value = var.role
      }
      env {
        name  = "PG_AUTH"
        value = "entra"
      }
      env {
        name  = "LAKE_URL"
        value = var.lake
      }
      env {
        name  = "AZURE_CLIENT_ID"
        value = var.client_id
      }

      volume_mounts {
        name = "settings"
        path = "/settings"
      }
    }

    volume {
      name         = "settings"
      storage_type = "Secret"
    }
  }
}
