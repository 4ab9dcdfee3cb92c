// A Container Apps job that runs the maintenance tasks of sluice.json every night as a managed identity. There is no secret in it.
//   az deployment group create -g GROUP -f job.bicep -p environmentId=… image=… identityId=… clientId=… …

@description('Where the job is.')
param location string = resourceGroup().location

@description('The resource id of the Container Apps environment.')
param environmentId string

@description('The image of the program alone: docker build --target standalone.')
param image string

@description('The registry of the image, such as example.azurecr.io.')
param registry string

@description('The resource id of the user-assigned identity, which pulls the image and signs in to the database and the lake.')
param identityId string

@description('The client id of that identity.')
param clientId string

@description('The host of the flexible server.')
param host string

@description('The database whose tables are kept.')
param database string

@description('The role in the database that is made for the identity: sluice setup apply --kind managed-identity.')
param role string

@description('The lake, such as abfss://filesystem@account.dfs.core.windows.net/archive.')
param lake string

@description('When it runs, in UTC: minute, hour, day, month, weekday.')
param schedule string = '0 4 * * *'

resource job 'Microsoft.App/jobs@2024-03-01' = {
  name: 'sluice-maintenance'
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environmentId
    configuration: {
      triggerType: 'Schedule'
      replicaTimeout: 7200
      replicaRetryLimit: 0
      scheduleTriggerConfig: {
        cronExpression: schedule
        parallelism: 1
        replicaCompletionCount: 1
      }
      registries: [
        {
          server: registry
          identity: identityId
        }
      ]
      secrets: [
        {
          name: 'sluice-json'
          value: loadTextContent('../sluice.json')
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'sluice'
          image: image
          args: [
            'maintenance'
            'run'
            '--json'
          ]
          env: [
            {
              name: 'SLUICE_CONFIG'
              value: '/settings/sluice-json'
            }
            {
              name: 'PG_HOST'
              value: host
            }
            {
              name: 'PG_DATABASE'
              value: database
            }
            {
              name: 'PG_USER'
              value: role
            }
            {
              name: 'PG_AUTH'
              value: 'entra'
            }
            {
              name: 'LAKE_URL'
              value: lake
            }
            {
              name: 'AZURE_CLIENT_ID'
              value: clientId
            }
          ]
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          volumeMounts: [
            {
              volumeName: 'settings'
              mountPath: '/settings'
            }
          ]
        }
      ]
      volumes: [
        {
          name: 'settings'
          storageType: 'Secret'
        }
      ]
    }
  }
}
